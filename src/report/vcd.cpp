#include "src/report/vcd.h"

#include <map>

#include "src/report/words.h"

namespace gd::report {

namespace {

// Identifier codes are made of the 94 printable characters.
std::string code_of(std::uint32_t n) {
  std::string code;
  do code += static_cast<char>('!' + n % 94), n /= 94;
  while (n != 0);
  return code;
}

std::string identifier(std::string name) {
  for (char& c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) c = '_';
  return name.empty() || (name[0] >= '0' && name[0] <= '9') ? "_" + name : name;
}

unsigned width_of(std::int64_t capacity) { return capacity > INT32_MAX ? 64 : 32; }

}  // namespace

void VcdTrace::declare(const std::string& name, unsigned width, std::uint32_t variable) {
  Variable& v = variables_[variable];
  v.code = code_of(variable);
  v.width = width;
  out_.put("$var reg " + std::to_string(width) + " " + v.code + " " + identifier(name) + " [" + std::to_string(width - 1) + ":0] $end\n");
}

void VcdTrace::begin(const system::Topology& t) {
  std::uint32_t levels = 0;
  std::map<std::string, std::vector<const system::Topology::Level*>> scopes;
  for (const auto& l : t.levels) {
    levels = std::max(levels, l.id + 1);
    scopes[l.component].push_back(&l);
  }
  first_core_ = levels;
  variables_.resize(levels + t.cores.size());
  out_.put("$version guestdma $end\n$comment\n  contexts of cores: 0 idle");
  for (std::size_t i = 0; i < t.contexts.size(); ++i) out_.put(", " + std::to_string(i + 1) + " " + identifier(t.contexts[i]));
  out_.put("\n$end\n$timescale 1 ps $end\n$scope module guestdma $end\n");
  for (const auto& [component, list] : scopes) {
    out_.put("$scope module " + identifier(component) + " $end\n");
    for (const auto* l : list) declare(l->name, width_of(l->capacity), l->id);
    out_.put("$upscope $end\n");
  }
  out_.put("$scope module cores $end\n");
  for (std::size_t i = 0; i < t.cores.size(); ++i) declare(t.cores[i], 32, first_core_ + static_cast<std::uint32_t>(i));
  out_.put("$upscope $end\n$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n");
  for (const Variable& v : variables_)
    if (!v.code.empty()) value(v);
  out_.put("$end\n");
  now_ = 0;
}

void VcdTrace::value(const Variable& v) {
  char text[68];
  char* at = text;
  *at++ = 'b';
  const auto bits = static_cast<std::uint64_t>(v.value);
  int top = static_cast<int>(v.width) - 1;
  while (top > 0 && !(bits >> top & 1)) --top;   // left zeros are implied
  for (int i = top; i >= 0; --i) *at++ = bits >> i & 1 ? '1' : '0';
  *at++ = ' ';
  out_.bytes(text, static_cast<std::size_t>(at - text));
  out_.put(v.code);
  out_.put('\n');
}

void VcdTrace::change(Time t, const Change& c) {
  Variable& v = variables_[c.variable];
  if (v.value == c.value) return;
  v.value = c.value;
  if (changes_ == limit_) {
    if (changes_cut_++ != 0) return;
    at(t);
    for (const Variable& each : variables_)
      if (!each.code.empty()) out_.put("bx " + each.code + "\n");
    return;
  }
  ++changes_;
  at(t);
  value(v);
}

void VcdTrace::at(Time t) {
  if (t == now_) return;
  out_.put('#');
  out_.put(t);
  out_.put('\n');
  now_ = t;
}

void VcdTrace::level(std::uint32_t id, std::int64_t v, Time t) {
  if (id >= first_core_ || variables_[id].code.empty()) return;
  order_.add(t, {id, v}, [this](Time at, const Change& c) { change(at, c); });
}

void VcdTrace::core_busy(std::uint32_t core, std::uint32_t context, Time from, Time to) {
  const std::uint32_t variable = first_core_ + core;
  if (variable >= variables_.size()) return;
  const auto give = [this](Time at, const Change& c) { change(at, c); };
  order_.add(from, {variable, static_cast<std::int64_t>(context) + 1}, give);
  order_.add(to, {variable, 0}, give);
}

void VcdTrace::finish(Time end) {
  order_.drain([this](Time at, const Change& c) { change(at, c); });
  if (end > now_) at(end);
  if (order_.late() != 0) out_.put("$comment " + std::to_string(order_.late()) + " changes came too late and stand later than they were $end\n");
  if (changes_cut_ != 0) out_.put("$comment " + std::to_string(changes_cut_) + " later changes are left out $end\n");
  out_.close();
}

std::string VcdTrace::left_out() const {
  return changes_cut_ == 0 ? "" : "waves.vcd ends after " + grouped(static_cast<std::int64_t>(changes_)) + " changes: " + grouped(static_cast<std::int64_t>(changes_cut_)) + " later ones are left out";
}

}  // namespace gd::report
