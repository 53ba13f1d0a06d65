#include <gtest/gtest.h>

#include "models/base/error.h"
#include "models/wire/capture.h"
#include "tests/wire/support.h"

namespace gd {
namespace capture_errors_test {

using test::CapturedFrame;
using test::ScratchFile;

std::string refusal(const std::string& path) {
  try {
    Capture::load(path);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

void expect(const std::string& bytes, const std::string& says) {
  const ScratchFile file(bytes);
  const std::string text = refusal(file.path());
  EXPECT_NE(text.find(file.path()), std::string::npos) << "names the file: " << text;
  EXPECT_NE(text.find(says), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

const std::vector<CapturedFrame> kTwo = {{0, test::plain_frame(60), 0}, {5, test::plain_frame(100), 0}};

TEST(CaptureErrors, Missing) {
  EXPECT_EQ(refusal("no/such/file.pcap"), "capture 'no/such/file.pcap': no such file");
  EXPECT_EQ(refusal("."), "capture '.': is a folder");
}
TEST(CaptureErrors, Empty) { expect("", "is empty"); }
TEST(CaptureErrors, NotACapture) { expect("this is a text and no capture file", "not a pcap or pcapng file"); }
TEST(CaptureErrors, ZeroFrames) { expect(test::pcap_bytes({}), "has no frames"); }
TEST(CaptureErrors, TruncatedAnywhere) {
  const std::string whole = test::pcap_bytes(kTwo);
  for (std::size_t n = 1; n < whole.size(); ++n) {
    if (n == 24 || n == 24 + 16 + 60) continue;   // the file's header alone, and the first frame alone, are whole files
    const ScratchFile file(whole.substr(0, n));
    const std::string text = refusal(file.path());
    ASSERT_NE(text.find("truncated"), std::string::npos) << n << ": " << text;
    if (n > 24) {
      ASSERT_NE(text.find(n < 100 ? "frame 1" : "frame 2"), std::string::npos) << n << ": " << text;
    }
  }
}
TEST(CaptureErrors, LinkType) { expect(test::pcap_bytes(kTwo, 0xa1b2c3d4, 113), "LINUX_SLL (113) is not Ethernet"); }
TEST(CaptureErrors, SnapLength) {
  expect(test::pcap_bytes({kTwo[0], {1, test::plain_frame(96), 1418}}), "frame 2 was cut by the snap length: 96 of 1514 bytes");
}
TEST(CaptureErrors, ShortFrame) { expect(test::pcap_bytes({{0, "0123456789abc", 0}}), "frame 1 has 13 bytes"); }
TEST(CaptureErrors, ShortestFrame) {
  const ScratchFile file(test::pcap_bytes({{0, test::plain_frame(14), 0}}));
  EXPECT_EQ(refusal(file.path()), "");
}
TEST(CaptureErrors, ImpossibleRecord) {
  std::string s = test::pcap_bytes(kTwo);
  s[24 + 16 + 60 + 11] = '\x7f';   // captured length of the second record: 2 GB
  expect(s, "frame 2");
}

}  // namespace capture_errors_test
}  // namespace gd
