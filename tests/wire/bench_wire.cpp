// CPU nanoseconds a frame: plan, emit and the end of the frame in the table, without and with the link and its agenda.
#include <cstdio>
#include <ctime>
#include <systemc>

#include "models/base/agenda.h"
#include "models/wire/link.h"
#include "models/wire/synthetic.h"

namespace {
double cpu_ns(std::clock_t from) { return static_cast<double>(std::clock() - from) * 1e9 / CLOCKS_PER_SEC; }

void measure(const char* name, const gd::Synthetic::Params& p) {
  gd::FrameTable table;
  gd::Synthetic s(table, p);
  const int n = 2'000'000;
  const auto from = std::clock();
  for (int i = 0; i < n; ++i) {
    gd::Plan plan;
    s.plan(0, plan);
    table.dropped(s.emit(0), gd::Drop::filtered, 1);
  }
  std::printf("%-24s %6.1f ns a frame\n", name, cpu_ns(from) / n);
}

struct Sink : gd::FrameSink {
  explicit Sink(gd::FrameTable& t) : table(t) {}
  void frame_arrived(gd::FrameRef r, gd::Time now) override { table.dropped(r, gd::Drop::filtered, now); }
  gd::FrameTable& table;
};

void measure_link() {
  gd::Agenda agenda("agenda");
  gd::FrameTable table;
  gd::Synthetic traffic(table, gd::Synthetic::Params{});
  Sink sink(table);
  gd::Link::Params lp;
  lp.frames = 2'000'000;
  gd::Link link(agenda, gd::rank::kWire, table, lp);
  link.connect(traffic, sink);
  link.start();
  const auto from = std::clock();
  sc_core::sc_start(10, sc_core::SC_SEC);
  std::printf("%-24s %6.1f ns a frame\n", "tcp 1518 over the link", cpu_ns(from) / static_cast<double>(lp.frames));
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
  measure_link();
  return 0;
}
