// Exit codes of the program.
#pragma once

namespace gd::cli {

enum ExitCode : int {
  kFine = 0,
  kGateFailed = 1,        // an expect line does not hold
  kUserMistake = 2,       // also output that cannot be written
  kBroken = 3,            // the simulator broke an invariant, a run died or hung
  kNotComparable = 4
};

// Of two codes the one that counts: 3 before 2 before 4 before 1 before 0.
constexpr int worse(int a, int b) {
  constexpr int order[] = {kBroken, kUserMistake, kNotComparable, kGateFailed};
  for (int code : order)
    if (a == code || b == code) return code;
  return kFine;
}

}  // namespace gd::cli
