// Every file of each target's corpus through the target, without libFuzzer: what was found once stays mended.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

void fuzz_scenario(const std::uint8_t* data, std::size_t size);
void fuzz_points(const std::uint8_t* data, std::size_t size);
void fuzz_capture(const std::uint8_t* data, std::size_t size);
void fuzz_ring(const std::uint8_t* data, std::size_t size);
void fuzz_virtqueue(const std::uint8_t* data, std::size_t size);
void fuzz_headers(const std::uint8_t* data, std::size_t size);
void fuzz_gro(const std::uint8_t* data, std::size_t size);

namespace gd::replay_test {

namespace fs = std::filesystem;

void replay(const std::string& target, void (*function)(const std::uint8_t*, std::size_t)) {
  std::vector<fs::path> files;
  for (const auto& e : fs::directory_iterator(fs::path(GD_CORPUS) / target)) files.push_back(e.path());
  std::sort(files.begin(), files.end());
  ASSERT_GE(files.size(), 5u);
  for (const fs::path& f : files) {
    std::ifstream in(f, std::ios::binary);
    const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
    // A block of exactly that size, so that a sanitizer sees a byte too many.
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    try {
      function(bytes.data(), bytes.size());
    } catch (const std::exception& e) {
      ADD_FAILURE() << f << ": " << e.what();
    }
  }
}

TEST(Corpus, Scenario) { replay("scenario", fuzz_scenario); }
TEST(Corpus, Points) { replay("points", fuzz_points); }
TEST(Corpus, Capture) { replay("capture", fuzz_capture); }
TEST(Corpus, Ring) { replay("ring", fuzz_ring); }
TEST(Corpus, Virtqueue) { replay("virtqueue", fuzz_virtqueue); }
TEST(Corpus, Headers) { replay("headers", fuzz_headers); }
TEST(Corpus, Gro) { replay("gro", fuzz_gro); }

}  // namespace gd::replay_test
