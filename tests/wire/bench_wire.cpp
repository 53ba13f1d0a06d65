// Nanoseconds a frame: plan, emit and the end of the frame in the table, without a link.
#include <chrono>
#include <cstdio>
#include <systemc>

#include "models/wire/synthetic.h"

namespace {
void measure(const char* name, const gd::Synthetic::Params& p) {
  gd::FrameTable table;
  gd::Synthetic s(table, p);
  const int n = 2'000'000;
  const auto from = std::chrono::steady_clock::now();
  for (int i = 0; i < n; ++i) {
    gd::Plan plan;
    s.plan(0, plan);
    table.dropped(s.emit(0), gd::Drop::filtered, 1);
  }
  const std::chrono::duration<double, std::nano> t = std::chrono::steady_clock::now() - from;
  std::printf("%-24s %6.1f ns a frame\n", name, t.count() / n);
}
}  // namespace

int sc_main(int, char**) {
  gd::Synthetic::Params p;
  measure("tcp 1518", p);
  p.rate = 5'000'000'000;
  p.arrivals = gd::Arrivals::poisson;
  measure("tcp 1518 poisson", p);
  p.sizes = {{64, 7}, {594, 4}, {1518, 1}};
  measure("tcp mix poisson", p);
  p.sizes = {{64, 1}};
  p.arrivals = gd::Arrivals::paced;
  measure("tcp 64 paced", p);
  return 0;
}
