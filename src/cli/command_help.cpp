// help and --version.
#include <algorithm>
#include <systemc>

#include "src/cli/commands.h"
#include "src/cli/exit_code.h"
#include "src/cli/listing.h"
#include "src/cli/output.h"

namespace gd::cli {

namespace {

constexpr unsigned kWidth = 100;

std::string option_lines(const std::vector<const char*>* only) {
  Table t{"options", {"option", "text"}, {}};
  for (const OptionInfo& o : option_table()) {
    if (only != nullptr && std::none_of(only->begin(), only->end(), [&](const char* n) { return std::string(n) == o.name; })) continue;
    t.rows.push_back({std::string("  ") + o.name + (*o.value ? std::string(" ") + o.value : ""), o.text});
  }
  return table_text(t, Format::text, kWidth);
}

const char* standard() {
  return __cplusplus >= 202002L ? "C++20" : "C++17";
}

#if defined(__clang__)
constexpr const char* kCompiler = "Clang " __clang_version__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

}  // namespace

std::string help_text() {
  std::string out = "Use: guestdma COMMAND [OPTIONS] [ARGUMENTS]\n\nCompares receive-buffer designs between a network card and virtual machines.\n\nCommands\n";
  Table t{"commands", {"command", "text"}, {}};
  for (const Command& c : command_table()) t.rows.push_back({std::string("  ") + c.name + (*c.arguments ? std::string(" ") + c.arguments : ""), c.summary});
  out += table_text(t, Format::text, kWidth) + "\nOptions\n" + option_lines(nullptr);
  return out + "\nguestdma help COMMAND explains a command and names its options.\n";
}

std::string help_text(const Command& c) {
  std::string out = std::string("Use: guestdma ") + c.name + (*c.arguments ? std::string(" ") + c.arguments : "") + " [OPTIONS]\n\n";
  std::string summary = c.summary;
  summary[0] = static_cast<char>(summary[0] - 'a' + 'A');
  out += summary + ".\n";
  if (*c.text) out += std::string(c.text) + "\n";
  return out + "\nOptions\n" + option_lines(&c.options);
}

std::string version_text(Format format) {
  const Table t{"versions", {"what", "version"}, {{"guestdma", GUESTDMA_VERSION}, {"SystemC", sc_core::sc_release()}, {"compiler", kCompiler}, {"standard", standard()}}};
  if (format != Format::text) return table_text(t, format);
  std::string out;
  for (const auto& row : t.rows) out += (row[0] == "compiler" || row[0] == "standard" ? "" : row[0] + " ") + row[1] + "\n";
  return out;
}

int help_command(const Options& o) {
  write_out(o.arguments.empty() ? help_text() : help_text(find_command(o.arguments[0])));
  return kFine;
}

}  // namespace gd::cli
