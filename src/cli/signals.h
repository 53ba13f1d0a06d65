// SIGINT, SIGTERM and SIGHUP, taken only where the program waits: what is begun is finished or undone.
#pragma once
#include <poll.h>

#include <csignal>
#include <vector>

namespace gd::cli {

// Thrown where the program waits, once a signal came; the program ends with 128 + signal.
struct Interrupted {
  int signal;
};

// From here on the signals are held back outside of wait_for() and check_signals(). Idempotent.
void hold_signals();
// In a child: as before hold_signals(), but SIGINT from the terminal is left to the parent.
void release_signals_in_child();

// poll() on `files` for at most `milliseconds` (-1: no limit). Throws Interrupted.
void wait_for(std::vector<pollfd>& files, int milliseconds);
// Throws Interrupted if a signal came.
void check_signals();

}  // namespace gd::cli
