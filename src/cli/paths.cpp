#include "src/cli/paths.h"

#include <algorithm>
#include <filesystem>

namespace gd::cli {

namespace fs = std::filesystem;

std::string share_folder() {
  static const std::string folder = [] {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    const fs::path installed = (program.parent_path().parent_path() / "share" / "guestdma").lexically_normal();
    if (!error && fs::is_directory(installed / "scenarios", error)) return installed.string();
    return std::string(GUESTDMA_SOURCE_DIR);
  }();
  return folder;
}

std::string share_scenarios() { return share_folder() + "/scenarios"; }

std::vector<std::string> files_in(const std::string& folder, const std::string& extension) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == extension && fs::is_regular_file(it->path(), error)) out.push_back(it->path().string());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace gd::cli
