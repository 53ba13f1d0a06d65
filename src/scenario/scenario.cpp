#include "src/scenario/scenario.h"

#include <fstream>

#include "src/scenario/diagnostics.h"

namespace gd::scenario {

Position Scenario::where(std::string_view key) const {
  std::string path(key);
  for (;;) {
    if (auto it = origins.find(path); it != origins.end()) return it->second;
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos) return {};
    path.resize(dot);
  }
}

Bytes memory_of(const Scenario& s, unsigned node) {
  constexpr Bytes huge = 2ull << 20;
  Bytes n = s.host.memory_node == node ? 2 * s.host.memory : 0;
  if (s.consumer == Consumer::guest)
    for (const Guest& g : s.guests)
      if (g.memory_node == node) n += 2 * g.memory + 2 * bytes_of(g.backing_page);
  if (s.consumer == Consumer::user_async && node == 0) n += s.guests.size() * 2 * align_up(s.user_async.buffers * s.user_async.buffer, kPage);
  return node == 0 && n == 0 ? huge : align_up(n, huge);
}

UserError Scenario::error(std::string_view key, const std::string& what) const {
  Diagnostic d;
  d.at = where(key);
  d.path.push_back('/');
  for (char c : key) d.path += c == '.' ? '/' : c;
  d.message = what;
  if (d.at.file.empty()) d.at.file = file;
  if (d.at.line != 0) {
    std::ifstream in(d.at.file);
    for (unsigned i = 0; i < d.at.line && std::getline(in, d.line); ++i) {}
  }
  std::string text = d.text();
  text.pop_back();
  return UserError(text);
}

}  // namespace gd::scenario
