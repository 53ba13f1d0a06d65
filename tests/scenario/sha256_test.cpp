#include "src/scenario/sha256.h"

#include <gtest/gtest.h>

namespace gd::scenario {
namespace sha256_test {

// NIST's examples for SHA-256 and the empty message of the CAVP byte vectors.
TEST(Sha256, NistVectors) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesMakeNoDifference) {
  const std::string text(200, 'x');
  for (std::size_t cut : {1u, 55u, 56u, 63u, 64u, 65u, 128u}) {
    Sha256 h;
    h.add(std::string_view(text).substr(0, cut));
    h.add(std::string_view(text).substr(cut));
    EXPECT_EQ(h.hex(), sha256(text)) << cut;
  }
}

}  // namespace sha256_test
}  // namespace gd::scenario
