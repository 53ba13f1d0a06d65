#include "tests/matrix/space.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "models/base/error.h"
#include "src/scenario/loader.h"
#include "src/scenario/table.h"
#include "src/system/environment.h"
#include "src/system/params.h"
#include "src/system/system.h"

namespace gd::test {
namespace {

using Json = nlohmann::ordered_json;

Value flag(const std::string& name, const std::string& key) { return {name, {key + "=" + (name == "on" ? "true" : "false")}}; }
Dimension switched(const std::string& name, const std::string& key) { return {name, {flag("off", key), flag("on", key)}, true}; }

Dimension chosen(const std::string& name, const std::string& key, bool guest) {
  const scenario::Row* row = scenario::find_row(key);
  if (!row || row->choices.empty()) throw std::logic_error("no choice: " + key);
  Dimension d{name, {}, guest};
  for (const std::string& c : row->choices) d.values.push_back({c, {key + "=" + c}});
  return d;
}

Dimension gro() {
  Dimension d = chosen("gro", "host.gro.rules", false);
  for (Value& v : d.values) v.set.push_back("host.gro.enabled=true");
  d.values.insert(d.values.begin(), {"off", {"host.gro.enabled=false"}});
  return d;
}

// Our two bits of the virtio device, each alone only in the covering set.
Dimension extensions() {
  Dimension d{"extensions", {}, true};
  const char* const names[] = {"none", "used_offset", "split_layout", "both"};
  for (unsigned i = 0; i < 4; ++i)
    d.values.push_back({names[i],
                        {std::string("guests[].virtio.used_offset=") + (i & 1 ? "true" : "false"),
                         std::string("guests[].virtio.split_layout=") + (i & 2 ? "true" : "false")},
                        i == 0 || i == 3});
  return d;
}

// KEY=VALUE laid over a scenario that is loaded already, by the key table.
void apply(scenario::Scenario& s, const std::string& setting) {
  const auto equals = setting.find('=');
  const std::string key = setting.substr(0, equals), value = setting.substr(equals + 1);
  const scenario::Row* row = scenario::find_row(scenario::pattern_of(key));
  if (!row || !row->set) throw std::logic_error("cannot be laid over a scenario: " + setting);
  const auto choice = std::find(row->choices.begin(), row->choices.end(), value);
  const std::uint64_t number = row->choices.empty() ? value == "true" : static_cast<std::uint64_t>(choice - row->choices.begin());
  if (row->of_guest) row->set(&s.guests.at(std::stoul(key.substr(7))), number);   // after "guests."
  else row->set(&s, number);
}

std::string quoted(const std::string& argument) {
  return argument.find_first_of("\"'[]{} ") == std::string::npos ? argument : "'" + argument + "'";
}

}  // namespace

std::string first_message(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  const auto at = line.find("error: ");
  return at == std::string::npos ? line : line.substr(at + 7);
}

Space::Space(const std::string& scenario, std::vector<std::string> set, Extent extent) : file_(scenario), set_(std::move(set)) {
  base_ = load(set_);
  read_strategies(extent);
  // Refusals are asked of copies; without the costs these are cheap. An entry with settings of its own is read again from
  // the whole text, which needs them.
  if (std::all_of(forms_.begin(), forms_.end(), [](const auto& f) { return !f || f->choice.set.empty(); })) base_.costs.clear();
  dimensions_.push_back(gro());
  dimensions_.push_back(chosen("rx_mode", "guests[].virtio.rx_mode", true));
  dimensions_.push_back(chosen("ring", "guests[].virtio.ring", true));
  dimensions_.push_back(switched("event_idx", "guests[].virtio.event_idx"));
  dimensions_.push_back(switched("indirect", "guests[].virtio.indirect"));
  dimensions_.push_back(chosen("split", "nic.header_split.mode", false));
  dimensions_.push_back(extensions());
  dimensions_.push_back(chosen("driver", "guests[].virtio.driver", true));
  dimensions_.push_back(switched("in_order", "guests[].virtio.in_order"));
  dimensions_[find("driver")].product = dimensions_[find("in_order")].product = false;
  restrict_to(extent);
  edited_ = base_;
}

void Space::restrict_to(Extent extent) {
  for (Dimension& d : dimensions_) {
    if (extent == Extent::product) std::erase_if(d.values, [](const Value& v) { return !v.product; });
    if ((extent == Extent::product && !d.product) || (d.guest && base_.consumer != scenario::Consumer::guest))
      d.values = {{"as-written", {}}};
  }
}

scenario::Scenario Space::load(const std::vector<std::string>& set) const {
  scenario::LoadOptions o;
  o.share_dir = GUESTDMA_SOURCE_DIR "/scenarios";
  o.set = set;
  o.read_inputs = false;
  system::describe_to_loader(o);
  return scenario::load(file_, o);
}

// The scenario's own entry of a strategy, if it has one, is what an option is changed in.
void Space::read_strategies(Extent extent) {
  scenario::LoadOptions known;
  system::describe_to_loader(known);
  Dimension strategy{"strategy", {}, false}, option{"option", {{"as-written", {}}}, false};
  std::vector<std::pair<std::string, std::string>> changes = {{}};   // option and value, by value of the dimension
  for (const scenario::StrategyType& type : known.strategies) {
    strategy.values.push_back({type.name, {}});
    for (const scenario::StrategyOption& o : type.options)
      for (const std::string& v : o.allowed) {
        const std::pair<std::string, std::string> change{o.name, v};
        if (extent == Extent::product || v == o.fallback || std::find(changes.begin(), changes.end(), change) != changes.end()) continue;
        changes.push_back(change);
        option.values.push_back({o.name + "-" + v, {}});
      }
  }
  for (const scenario::StrategyType& type : known.strategies) {
    Json entry = {{"name", type.name}, {"label", type.name}};
    for (const scenario::StrategyChoice& c : base_.strategies) {
      if (base_.all_strategies || c.name != type.name || !c.hazard.empty()) continue;
      for (std::size_t i = 0; i < c.options.size(); ++i) entry[c.options[i].first] = Json::parse(c.written[i]);
      for (const auto& [key, value] : c.set) entry["set"][key] = value;
      break;
    }
    for (const auto& [name, value] : changes) {
      const bool has = std::any_of(type.options.begin(), type.options.end(), [&, n = name](const auto& o) { return o.name == n; });
      forms_.emplace_back();
      if (!name.empty() && !has) continue;
      Json form = entry;
      if (!name.empty()) form[name] = value;
      const std::string setting = "strategies=" + Json::array({form}).dump();
      std::vector<std::string> set = set_;
      set.push_back(setting);
      forms_.back() = Form{setting, load(set).strategies.at(0)};
    }
  }
  dimensions_.push_back(strategy);
  dimensions_.push_back(option);
}

std::size_t Space::find(const std::string& dimension) const {
  for (std::size_t i = 0; i < dimensions_.size(); ++i)
    if (dimensions_[i].name == dimension) return i;
  throw std::out_of_range("no dimension " + dimension);
}

std::vector<std::size_t> Space::sizes() const {
  std::vector<std::size_t> n;
  for (const Dimension& d : dimensions_) n.push_back(d.values.size());
  return n;
}

const std::string& Space::value(const Row& row, const std::string& dimension) const {
  const std::size_t d = find(dimension);
  return dimensions_[d].values[row[d]].name;
}

std::string Space::text(const Row& row) const {
  std::string t = dimensions_[0].values[row[0]].name;
  for (std::size_t d = 1; d < row.size(); ++d) t += " " + dimensions_[d].name + "=" + dimensions_[d].values[row[d]].name;
  return t;
}

std::string Space::text(const ValuePair& p) const { return text(p.a, p.va) + " with " + text(p.b, p.vb); }

std::string Space::text(std::size_t dimension, std::size_t value) const {
  return dimensions_[dimension].name + "=" + dimensions_[dimension].values[value].name;
}

std::vector<std::string> Space::keys(const Value& value) const {
  static const std::string each = "guests[].";
  std::vector<std::string> out;
  for (const std::string& s : value.set) {
    if (!s.starts_with(each)) {
      out.push_back(s);
      continue;
    }
    for (std::size_t g = 0; g < base_.guests.size(); ++g) out.push_back("guests." + std::to_string(g) + "." + s.substr(each.size()));
  }
  return out;
}

std::optional<std::string> Space::refusal(const Row& row) {
  if (!form(row)) return kNoSuchOption;
  for (std::size_t d = 2; d < row.size(); ++d)
    for (const std::string& s : keys(dimensions_[d].values[row[d]])) apply(edited_, s);
  try {
    const scenario::StrategyChoice& choice = form(row)->choice;
    if (choice.set.empty()) system::check_available(edited_);
    else system::check_available(scenario::for_strategy(edited_, choice));
    if (auto why = system::refusal(edited_, choice)) return first_message(*why);
  } catch (const UserError& e) {
    return first_message(e.what());
  }
  return std::nullopt;
}

std::optional<std::string> Space::refusal_when_loaded(const Row& row) const {
  try {
    const scenario::Scenario s = load(settings(row));
    system::check_available(scenario::for_strategy(s, s.strategies.at(0)));
    if (auto why = system::refusal(s, s.strategies.at(0))) return first_message(*why);
  } catch (const UserError& e) {
    return first_message(e.what());
  }
  return std::nullopt;
}

bool Space::merges(const Row& row) const {
  const scenario::Scenario common = load(settings(row));
  const scenario::StrategyChoice& choice = common.strategies.at(0);
  const BindEnvironment e = system::environment(scenario::for_strategy(common, choice), choice, 0);
  const Strategy* strategy = find_strategy(choice.name);
  return e.gro && !strategy->declaration().device_ring && strategy->merges(e);
}

std::vector<std::string> Space::settings(const Row& row) const {
  std::vector<std::string> out = set_;
  for (std::size_t d = 2; d < row.size(); ++d)
    for (const std::string& s : keys(dimensions_[d].values[row[d]])) out.push_back(s);
  out.push_back(form(row)->setting);
  return out;
}

std::string Space::command(const Row& row) const {
  std::string c = "guestdma run " + file_;
  for (const std::string& s : settings(row)) c += " --set " + quoted(s);
  return c;
}

}  // namespace gd::test
