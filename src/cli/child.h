// What runs in a forked child, and the records of its pipe.
#pragma once
#include <sys/types.h>

#include <cstdint>

#include "src/cli/pool.h"

namespace gd::cli {

// Followed by `size` bytes of text.
struct Record {
  enum Kind : std::uint32_t { progress, message, payload };
  std::uint32_t kind = progress, size = 0;
  std::int64_t now = 0, end = 0;           // progress: simulated time
};

// Does the job and ends the process, which ends too when `parent` does. Standard output goes to standard error: results come
// from the parent alone.
[[noreturn]] void child_main(const Job& job, int fd, pid_t parent);

}  // namespace gd::cli
