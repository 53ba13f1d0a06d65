// Header split: every row of 82575 table 33, and the rules of the 82598 around it.
#include <gtest/gtest.h>

#include "models/nic/split.h"

using namespace gd;
using namespace gd::nic;

namespace split_test {

constexpr SplitMode kOff = SplitMode::off, kSplit = SplitMode::split, kAlways = SplitMode::always;

struct Row {
  const char* what;
  SplitInput in;         // mode, header_buffer, threshold, length, header_length, decodable, has_payload
  SplitKind kind;
  std::uint32_t to_header, header_length;
  bool sph, hbo;
};

const Row kRows[] = {
    {"off", {kOff, 128, 0, 1514, 54, true, true}, SplitKind::off, 0, 0, false, false},
    {"split: undecodable", {kSplit, 128, 0, 1514, 14, false, true}, SplitKind::unsplit, 0, 0, false, false},
    {"split: header fits", {kSplit, 128, 0, 1514, 54, true, true}, SplitKind::clean, 54, 54, true, false},
    {"split: header fills its buffer", {kSplit, 128, 0, 1514, 128, true, true}, SplitKind::clean, 128, 128, true, false},
    {"split: header too long", {kSplit, 128, 0, 1514, 129, true, true}, SplitKind::overflow, 0, 129, true, true},
    {"split: pure ACK", {kSplit, 128, 0, 66, 66, true, false}, SplitKind::header_only, 66, 66, true, false},
    {"split: padded pure ACK", {kSplit, 128, 0, 60, 54, true, false}, SplitKind::header_only, 60, 60, true, false},
    {"split: padding does not fit", {kSplit, 64, 0, 70, 54, true, false}, SplitKind::clean, 54, 54, true, false},
    {"split: small frame", {kSplit, 128, 0, 64, 54, true, true}, SplitKind::clean, 54, 54, true, false},
    {"split: at the threshold", {kSplit, 128, 256, 256, 54, true, true}, SplitKind::unsplit, 0, 0, false, false},
    {"split: above the threshold", {kSplit, 128, 256, 257, 54, true, true}, SplitKind::clean, 54, 54, true, false},
    {"split: fragment after L3", {kSplit, 128, 0, 1514, 34, true, true}, SplitKind::clean, 34, 34, true, false},
    {"split: longest header", {kSplit, 1024, 0, 1514, 1023, true, true}, SplitKind::clean, 1023, 1023, true, false},
    {"split: header above 1 KiB", {kSplit, 1024, 0, 1514, 1024, true, true}, SplitKind::unsplit, 0, 0, false, false},
    {"always: frame fits", {kAlways, 128, 0, 128, 54, true, true}, SplitKind::whole_in_header, 128, 128, false, false},
    {"always: pure ACK", {kAlways, 128, 0, 60, 54, true, false}, SplitKind::whole_in_header, 60, 60, false, false},
    {"always: undecodable, fits", {kAlways, 128, 0, 100, 14, false, true}, SplitKind::whole_in_header, 100, 100, false, false},
    {"always: undecodable, longer", {kAlways, 128, 0, 1514, 14, false, true}, SplitKind::forced, 128, 128, false, false},
    {"always: header fits", {kAlways, 128, 0, 1514, 54, true, true}, SplitKind::clean, 54, 54, true, false},
    {"always: header too long", {kAlways, 128, 0, 1514, 130, true, true}, SplitKind::forced_overflow, 128, 130, true, true},
    {"always: header above 1 KiB", {kAlways, 1024, 0, 1514, 1100, true, true}, SplitKind::forced, 1023, 1023, false, false},
};

TEST(Split, Table33) {
  for (const Row& r : kRows) {
    const SplitDecision d = split(r.in);
    EXPECT_EQ(d.kind, r.kind) << r.what;
    EXPECT_EQ(d.to_header, r.to_header) << r.what;
    EXPECT_EQ(d.header_length, r.header_length) << r.what;
    EXPECT_EQ(d.sph, r.sph) << r.what;
    EXPECT_EQ(d.hbo, r.hbo) << r.what;
  }
}

TEST(Split, HeaderLengthFitsTheDescriptor) {
  for (SplitMode m : {kSplit, kAlways})
    for (std::uint32_t length : {60u, 1000u, 1024u, 9014u})
      for (std::uint32_t header : {14u, 54u, 64u, 1023u, 1024u, 2000u})
        for (bool known : {false, true}) {
          if (header > length) continue;
          const SplitDecision d = split({m, 1024, 0, length, header, known, true});
          EXPECT_LE(d.header_length, 1023u);
          EXPECT_LE(d.to_header, length);
        }
}

}  // namespace split_test
