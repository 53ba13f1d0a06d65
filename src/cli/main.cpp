// The program guestdma. SystemC starts sc_main(); it elaborates in the children that the commands fork, never here.
#include <cstdlib>
#include <systemc>

#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/exit_code.h"
#include "src/cli/output.h"
#include "src/cli/signals.h"

int sc_main(int argc, char** argv) {
  using namespace gd::cli;
  prepare_streams();
  try {
    return dispatch(parse_arguments({argv + 1, argv + argc}));
  } catch (const Interrupted& i) {
    return 128 + i.signal;
  } catch (const gd::UserError& e) {
    write_error(e.what());
    return kUserMistake;
  } catch (const std::exception& e) {
    write_error(std::string("internal error: ") + e.what());
    return kBroken;
  }
}

int main(int argc, char** argv) {
  setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
  return sc_core::sc_elab_and_sim(argc, argv);
}
