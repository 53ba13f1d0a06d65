#include "src/cli/gates.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "models/base/error.h"
#include "src/report/results.h"

namespace gd::cli {

namespace {

bool set(const char* name) {
  const char* v = std::getenv(name);
  return v != nullptr && *v != '\0' && std::strcmp(v, "0") != 0 && std::strcmp(v, "false") != 0;
}

}  // namespace

bool in_ci() { return set("CI") || set("GITHUB_ACTIONS"); }

void require_gate_files(const Options& o) {
  if (!o.junit) return;
  std::filesystem::path folder = std::filesystem::path(*o.junit).parent_path();
  if (folder.empty()) folder = ".";
  std::error_code error;
  if (std::filesystem::is_directory(*o.junit, error)) throw UserError("option --junit: " + *o.junit + " is a folder; a file is wanted");
  if (access(folder.c_str(), W_OK | X_OK) != 0) throw UserError("option --junit: cannot write " + *o.junit + ": " + std::strerror(errno));
}

void write_gate(const report::Gate& gate, const Options& o) {
  if (o.junit) report::replace_file(*o.junit, report::junit_xml(gate));
  if (!set("GITHUB_ACTIONS")) return;
  const std::string text = report::annotations(gate);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace gd::cli
