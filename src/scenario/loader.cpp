#include "src/scenario/loader.h"

#include <filesystem>
#include <iostream>

#include "src/scenario/costs.h"
#include "src/scenario/reader.h"
#include "src/scenario/sha256.h"
#include "src/scenario/strategies.h"
#include "src/scenario/tree.h"
#include "src/scenario/units.h"

namespace gd::scenario {

namespace {

// The capture: its absolute path and hash.
void read_capture(Reader& r, const Node& root) {
  Scenario& s = r.scenario();
  const Node* traffic = root.find("traffic");
  const Node* file = traffic == nullptr ? nullptr : traffic->find("file");
  if (file == nullptr || file->kind != Kind::string) return;
  s.traffic.file = resolve_path(*file);
  if (s.traffic.kind != TrafficKind::pcap || !r.options().read_inputs) return;
  std::error_code error;
  if (!std::filesystem::exists(s.traffic.file, error))
    return r.fail(*file, "traffic.file", "there is no file \"" + s.traffic.file + "\"",
                  "a pcap or pcapng file; a relative path starts at the folder of the file that names it");
  // A device has no end; a capture may be long.
  const std::optional<std::string> bytes = std::filesystem::is_character_file(s.traffic.file, error) ? std::nullopt : read_file(s.traffic.file, SIZE_MAX);
  if (!bytes) return r.fail(*file, "traffic.file", "cannot read \"" + s.traffic.file + "\"", "a pcap or pcapng file");
  if (bytes->empty()) return r.fail(*file, "traffic.file", "\"" + s.traffic.file + "\" is empty", "a pcap or pcapng file");
  s.traffic.file_sha256 = sha256(*bytes);
  s.inputs.push_back({"traffic.file", s.traffic.file, s.traffic.file_sha256});
  // What a recorded run read must still be there, unless another file was asked for.
  const Node* inputs = root.find("inputs");
  const Node* sum = inputs == nullptr ? nullptr : inputs->find("traffic.file");
  if (sum != nullptr && sum->place.source == file->place.source && sum->text != s.traffic.file_sha256)
    r.fail(*file, "traffic.file", "\"" + s.traffic.file + "\" is not the file that the recorded run read: its SHA-256 differs",
           sum->text);
}

void read_seed(Reader& r, const std::string& text) {
  auto source = std::make_shared<Source>();
  source->name = "--seed " + text;
  source->command_line = true;
  Node n;
  n.place = Place{source, 0, 0};
  n.kind = Kind::string;
  const Parsed p = parse_decimal(text, 1);
  if (!p.value || text.find('.') != std::string::npos) return r.fail(n, "", "\"" + text + "\" is not a seed", "a whole number, at most " + std::to_string(INT64_MAX));
  r.scenario().seed = *p.value;
  r.scenario().origins["seed"] = n.place.position();
}

std::string stem(const std::string& file) {
  if (file == "-") return "stdin";
  return std::filesystem::path(file).stem().string();
}

}  // namespace

Scenario for_strategy(const Scenario& scenario, const StrategyChoice& choice) {
  if (choice.set.empty()) return scenario;
  LoadOptions options;
  for (const auto& [key, value] : choice.set) options.set.push_back(key + "=" + value);
  options.read_inputs = !scenario.traffic.file_sha256.empty();
  Scenario plain = scenario;
  plain.all_strategies = true;
  plain.strategies.clear();
  Scenario own = load_text(resolved(plain), scenario.file, options);
  // Messages go on pointing to what the user wrote.
  own.origins = scenario.origins;
  for (const auto& [key, value] : choice.set) own.origins[key] = choice.at;
  own.all_strategies = scenario.all_strategies;
  own.strategies = scenario.strategies;
  own.expect = scenario.expect;
  own.inputs = scenario.inputs;
  own.host.costs = scenario.host.costs;
  return own;
}

Scenario load_text(const std::string& text, const std::string& file, const LoadOptions& options) {
  Mistakes mistakes;
  Scenario s;
  s.file = file;
  const std::optional<Node> root = load_tree(text, file, options, mistakes);
  if (!root) mistakes.raise();
  Reader reader(s, options, mistakes);
  reader.read(*root);
  if (root->kind == Kind::object) {
    read_capture(reader, *root);
    read_costs_of(reader, *root);
  }
  if (s.name.empty()) s.name = stem(file);
  if (options.seed) read_seed(reader, *options.seed);
  if (options.strategy) choose_strategies(reader, *options.strategy);
  mistakes.raise();
  // The entries that set keys of their own must be possible too.
  for (const StrategyChoice& c : s.strategies) {
    try {
      for_strategy(s, c);
    } catch (const ScenarioError& e) {
      for (Diagnostic d : e.diagnostics) {
        d.message = "entry \"" + c.label + "\": " + d.message;
        d.at = c.at;
        d.width = 1;
        mistakes.add(d);
      }
    }
  }
  mistakes.raise();
  return s;
}

namespace {

ScenarioError unreadable(const std::string& path, const std::string& wanted) {
  std::error_code error;
  Diagnostic d;
  d.at.file = path == "-" ? "<stdin>" : path.empty() ? "\"\"" : path;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  const bool longer = !error && bytes > kMostText;
  d.message = path == "-"                                  ? "cannot be read, or does not end within " + format_quantity(Type::size, kMostText)
              : !std::filesystem::exists(path, error)      ? "there is no such file"
              : std::filesystem::is_directory(path, error) ? "is a folder, not " + wanted
              : longer                                     ? "has more than " + format_quantity(Type::size, kMostText) + ", which is not " + wanted
                                                           : "cannot be read";
  return ScenarioError({d});
}

}  // namespace

std::string read_text(const std::string& path, const std::string& wanted, std::istream& in) {
  std::optional<std::string> text = path == "-" ? read_all(in) : read_file(path);
  if (!text) throw unreadable(path, wanted);
  return std::move(*text);
}

Scenario load(const std::string& path, const LoadOptions& options) {
  return load_text(read_text(path, "a scenario", options.standard_input != nullptr ? *options.standard_input : std::cin), path, options);
}

}  // namespace gd::scenario
