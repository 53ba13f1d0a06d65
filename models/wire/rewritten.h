// What the bytes of a frame must be after the host has rewritten its headers: the source's own header bytes through the
// same pure function (models/packet/rewrite.h), the rest as sent.
#pragma once
#include <memory>

#include "models/packet/rewrite.h"
#include "models/ports/frame.h"

namespace gd {

class RewrittenExpected : public ExpectedBytes {
 public:
  RewrittenExpected(std::unique_ptr<ExpectedBytes> sent, const RewriteValues& values) : sent_(std::move(sent)), values_(values) {}
  bool matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) override;
  bool original(const FrameMeta& f, std::uint8_t* out, std::uint32_t n) override { return sent_->original(f, out, n); }

 private:
  static constexpr std::uint32_t kLongest = 256;   // bytes of headers; longer ones are never rewritten
  std::unique_ptr<ExpectedBytes> sent_;
  RewriteValues values_;
};

}  // namespace gd
