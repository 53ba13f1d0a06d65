// models/base brings SystemC's library along, which wants an sc_main; libFuzzer has the main.
#include <systemc>

int sc_main(int, char**) { return 1; }
