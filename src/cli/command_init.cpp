// init: a scenario to start from.
#include <filesystem>

#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/exit_code.h"
#include "src/cli/output.h"
#include "src/report/results.h"

namespace gd::cli {

namespace {

const char* const kScenario = R"(// A scenario of guestdma. guestdma validate checks it, guestdma compare runs it, guestdma list keys names every key.
{
  "version": 1,
  "description": "What this scenario asks, in a sentence.",

  // Card, link, IOMMU, memory and host of a platform; what stands below goes before it.
  "extends": "platforms/today-100g.json",

  // Every receive-buffer design that card and guest can serve, or a list: ["vhost-copy", "guest-head"].
  "strategies": "all",

  // Results are measured after the warm-up; frames that are then on their way may arrive while it drains.
  "time": { "warmup": "500us", "measure": "2ms", "drain": "1ms" },

  // For a capture: { "kind": "pcap", "file": "my.pcap", "rate": "8Gbps", "loop": true }
  "traffic": { "kind": "synthetic", "rate": "5Gbps", "frame_bytes": 1518, "flows": 4, "protocol": "tcp", "arrival": "poisson" },

  "guests": [
    { "name": "web", "virtio": { "queue_size": 256, "rx_mode": "mergeable" } }
  ],

  // What must hold; a line that does not is exit code 1. With a strategy's name in brackets it is about that one alone.
  "expect": [
    "integrity.errors == 0",
    "throughput.goodput > 0 Gb/s"
  ]
}
)";

}  // namespace

int init_command(const Options& o) {
  if (o.arguments.empty() || o.arguments[0] == "-") {
    write_out(kScenario);
    return kFine;
  }
  const std::string& file = o.arguments[0];
  std::error_code error;
  if (!o.force && std::filesystem::exists(file, error)) throw UserError(file + " exists; --force replaces it");
  report::write_file(file, kScenario);
  write_note(o, "wrote " + file + "; guestdma compare " + file + " runs it");
  return kFine;
}

}  // namespace gd::cli
