// Standard output and standard error.
#pragma once
#include <string>

#include "src/cli/args.h"
#include "src/report/comparison.h"

namespace gd::cli {

// Makes descriptors 0, 1 and 2 valid, so that no result file becomes standard output by accident, and ignores SIGPIPE and
// SIGXFSZ: what cannot be written is an error of the write.
void prepare_streams();

// Writes results to standard output. A reader that went away is no error; another failure throws UserError.
void write_out(const std::string& text);
// A line on standard error: "guestdma: ..."; texts that begin with a place ("file:1:2: error: ...") stay as they are.
void write_error(const std::string& text);
// The same, unless --quiet.
void write_note(const Options& options, const std::string& text);

// Colour and width of what goes to standard output.
report::TextOptions text_options();
// Columns of the terminal at descriptor `fd`; 0 when it is none.
unsigned terminal_width(int fd);

}  // namespace gd::cli
