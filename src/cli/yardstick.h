// How fast the machine is on which the simulator is measured, in something that depends on no code of ours: frames per CPU second
// of two machines, or of one machine at two times (neighbours take caches and clock from each other), compare only beside it.
#pragma once

namespace gd::cli {

// CPU nanoseconds in which this machine copies 1500 B to another place and compares the two (memcpy and memcmp of the C library, all
// of it in the first-level cache): the median of 15 rounds of 2000. Takes two milliseconds.
double copy_and_compare_ns();

}  // namespace gd::cli
