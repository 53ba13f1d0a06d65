#include "tests/scenario/support.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gd::scenario {

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "guestdma-scenario-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string Folder::write(const std::string& name, const std::string& text) const {
  const std::filesystem::path file = std::filesystem::path(path) / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
  return file.string();
}

}  // namespace gd::scenario
