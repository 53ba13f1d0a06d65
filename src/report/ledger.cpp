#include <map>
#include <utility>

#include "src/report/json_text.h"
#include "src/report/results.h"

namespace gd::report {

namespace {

struct Sum {
  std::uint64_t mc = 0, calls = 0, bytes = 0;
  void add(const system::LedgerLine& l) { mc += l.milli_cycles, calls += l.calls, bytes += l.bytes; }
};

void figures(JsonText& j, std::uint64_t mc, std::uint64_t calls, std::uint64_t bytes) {
  j.key("cycles").raw(milli_text(static_cast<std::int64_t>(mc))).key("calls").count(calls).key("bytes").count(bytes);
}

void totals(JsonText& j, const char* name, const char* what, const std::map<std::string, Sum>& sums) {
  j.key(name).open('[');
  for (const auto& [key, s] : sums) {
    j.open('{', JsonText::flat).key(what).string(key);
    figures(j, s.mc, s.calls, s.bytes);
    j.close();
  }
  j.close();
}

// A frame of a flame graph: without the separators of the format.
std::string frame(std::string name) {
  for (char& c : name)
    if (c == ';' || c == ' ' || c == '\n') c = '_';
  return name;
}

}  // namespace

std::string ledger_json(const system::RunResult& r) {
  std::map<std::string, Sum> cores, contexts, components;
  Sum all;
  JsonText j;
  j.open('{').key("schema").count(kSchema).key("label").string(r.label);
  j.key("lines").open('[');
  for (const system::LedgerLine& l : r.ledger) {
    j.open('{', JsonText::flat).key("core").string(l.core).key("context").string(l.context);
    j.key("component").string(l.component).key("operation").string(l.operation);
    figures(j, l.milli_cycles, l.calls, l.bytes);
    j.close();
    cores[l.core].add(l);
    contexts[l.context].add(l);
    components[l.component].add(l);
    all.add(l);
  }
  j.close();
  totals(j, "cores", "core", cores);
  totals(j, "contexts", "context", contexts);
  totals(j, "components", "component", components);
  j.key("total").open('{', JsonText::flat);
  figures(j, all.mc, all.calls, all.bytes);
  j.close().close();
  return j.text();
}

std::string cycles_folded(const system::RunResult& r) {
  std::string text;
  for (const system::LedgerLine& l : r.ledger) {
    const std::uint64_t cycles = (l.milli_cycles + 500) / 1000;
    if (cycles == 0) continue;
    text += frame(l.core) + ";" + frame(l.context) + ";" + frame(l.component) + ";" + frame(l.operation) + " " + std::to_string(cycles) + "\n";
  }
  return text;
}

}  // namespace gd::report
