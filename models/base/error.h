// The two kinds of trouble that end a run. (A guest's misbehaviour ends nothing: it is counted.)
#pragma once
#include <stdexcept>
#include <string>

namespace gd {

// The user's mistake: one clear message, exit code 2.
struct UserError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A broken invariant of the simulator itself: exit code 3.
struct InvariantError : std::logic_error {
  using std::logic_error::logic_error;
};

[[noreturn]] inline void broken(const std::string& what) { throw InvariantError(what); }
inline void require(bool ok, const char* what) {
  if (!ok) broken(what);
}

}  // namespace gd
