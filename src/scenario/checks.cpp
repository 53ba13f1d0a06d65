// Sets of values that are impossible together. Each is told at the value that the user wrote.
#include <algorithm>
#include <map>
#include <set>

#include "src/scenario/reader.h"
#include "src/scenario/units.h"

namespace gd::scenario {

namespace {

std::string bytes(std::uint64_t n) { return format_quantity(Type::size, n); }
std::string rate(std::uint64_t n) { return format_quantity(Type::rate, n); }
std::string number(std::uint64_t n) { return std::to_string(n); }

constexpr Count kEthernet = 14, kFcs = 4, kTag = 4;

}  // namespace

void Reader::check_device() {
  const Nic& nic = scenario_.nic;
  const Memory& memory = scenario_.memory;
  if (memory.ddio_ways > memory.llc.ways)
    fail_at({"memory.ddio_ways", "memory.llc.ways"},
            "DDIO has " + number(memory.ddio_ways) + " ways of a cache with " + number(memory.llc.ways),
            "from 0 to memory.llc.ways");
  if (memory.llc.size % (memory.llc.ways * kLine) != 0)
    fail_at({"memory.llc.size", "memory.llc.ways"},
            bytes(memory.llc.size) + " does not divide into " + number(memory.llc.ways) + " ways of 64 B lines",
            "a multiple of " + bytes(memory.llc.ways * kLine));
  if (scenario_.iommu.cached_levels >= scenario_.iommu.levels)
    fail_at({"iommu.cached_levels", "iommu.levels"},
            "the page-walk caches serve " + number(scenario_.iommu.cached_levels) + " of " + number(scenario_.iommu.levels) +
                " levels, which leaves no read",
            "fewer than iommu.levels");
  const Count frame = nic.mtu + kEthernet + kTag;
  if (!nic.scatter && frame > nic.rx_buffer)
    fail_at(
        {"nic.scatter", "nic.rx_buffer", "nic.mtu"},
        "frames of up to " + number(frame) + " B do not fit a buffer of " + bytes(nic.rx_buffer) + " and may not be scattered",
        "nic.scatter true, a larger nic.rx_buffer, or a smaller nic.mtu");
  if (nic.fifo < frame)
    fail_at({"nic.fifo", "nic.mtu"}, "a frame of " + number(frame) + " B does not fit the FIFO of " + bytes(nic.fifo),
            "at least one frame");
  if (nic.completion.compression && nic.completion.bytes != 64)
    fail_at({"nic.completion.compression", "nic.completion.bytes"}, "completions of " + bytes(nic.completion.bytes) + " are not compressed",
            "nic.completion.bytes 64 B");
  if (nic.pause.high > nic.fifo)
    fail_at({"nic.pause.high", "nic.fifo"}, "the FIFO never holds more than " + bytes(nic.fifo), "at most nic.fifo");
  if (nic.pause.high ? nic.pause.low >= nic.pause.high : nic.pause.low > 0)
    fail_at({"nic.pause.low", "nic.pause.high"}, bytes(nic.pause.low) + " is not below nic.pause.high, " + bytes(nic.pause.high), "less than nic.pause.high");
  const Host& host = scenario_.host;
  if (host.copybreak > nic.rx_buffer)
    fail_at({"host.copybreak", "nic.rx_buffer"},
            bytes(host.copybreak) + " is more than a receive buffer of " + bytes(nic.rx_buffer), "at most nic.rx_buffer");
  if (host.page_cache > 0 && host.unmap_batch == 1)
    fail_at({"host.page_cache", "host.unmap_batch"}, "receive pages are kept in the cache by the batch", "host.unmap_batch of 2 or more, or 0");
  if (host.unmap_batch > 1 && host.page_recycle)
    fail_at({"host.unmap_batch", "host.page_recycle"}, "receive pages that keep their mapping are not unmapped", "host.page_recycle false, or 1");
  if (host.sockets > 1 && scenario_.consumer != Consumer::host_socket)
    fail_at({"host.sockets", "consumer"}, "no application of the host takes the frames", "consumer \"host-socket\", or 1");
  if (host.sockets > nic.rx_queues)
    fail_at({"host.sockets", "nic.rx_queues"}, number(host.sockets) + " applications would share " + number(nic.rx_queues) + " receive queues", "at most nic.rx_queues");
  if (nic.flow_filters && !nic.rss)
    fail_at({"nic.flow_filters", "nic.rss"}, "flows are known by the hash that the card does not compute", "nic.rss true, or false");
  const auto core = [&](const char* key, Count c) {
    if (c >= host.cores)
      fail_at({key, "host.cores"}, "there is no core " + number(c) + " among " + number(host.cores),
              "from 0 to host.cores - 1");
  };
  core("host.affinity.interrupt", host.affinity.interrupt);
  core("host.affinity.vhost", host.affinity.vhost);
  core("host.affinity.forward", host.affinity.forward);
  core("host.affinity.socket_app", host.affinity.socket_app);
  for (Count c : host.affinity.vcpu) core("host.affinity.vcpu", c);
  if (host.far_cores >= host.cores)
    fail_at({"host.far_cores", "host.cores"}, number(host.far_cores) + " of " + number(host.cores) + " cores on socket 1 leave none on the card's",
            "less than host.cores");
}

void Reader::check_dma_bench() {
  const DmaBench& d = scenario_.traffic.dma;
  if (!scenario_.all_strategies)
    fail_at({"strategies"}, "dma-bench is bare DMA without receive buffers, it has no strategies; its results are named none", "\"all\", or no strategies");
  const Bytes unit = align_up(d.transfer + d.offset, kLine);
  if (unit > d.window)
    fail_at({"traffic.transfer", "traffic.window", "traffic.offset"},
            "a unit of " + bytes(unit) + " (offset and transfer, whole cache lines) does not fit the window of " + bytes(d.window), "at most traffic.window");
  if (d.interface == DmaInterface::command && d.transfer > 128)
    fail_at({"traffic.transfer", "traffic.interface"}, "a command of the device does not move " + bytes(d.transfer), "at most 128 B, or traffic.interface \"dma\"");
  const std::string& fault = scenario_.debug.fault.kind;
  if (fault != "none" && fault != "flip-nic" && fault != "lose-nic" && fault != "leak-buffer")
    fail_at({"debug.fault.kind"}, "\"" + fault + "\" has no place in dma-bench", "none, flip-nic, lose-nic, leak-buffer");
}

// Frames that come damaged or in odd shapes, and a link that goes down.
void Reader::check_faults() {
  const Traffic& t = scenario_.traffic;
  if (t.errors.total() > 1'000'000) fail_at({"traffic.errors"}, "the shares of damaged frames add up to more than 100 %", "at most 100 % together");
  if (t.unsplittable.total() + t.foreign.total() > 1'000'000)
    fail_at({"traffic.unsplittable"}, "the shares of traffic.unsplittable and traffic.foreign add up to more than 100 %", "at most 100 % together");
  if (t.unsplittable.total() && (t.kind != TrafficKind::synthetic || t.tcp == TcpMode::closed))
    fail_at({"traffic.unsplittable"}, "frames of other shapes need synthetic traffic with an open loop", "traffic.kind \"synthetic\", traffic.tcp \"open\"");
  if (t.errors.bad_ip_checksum && t.kind == TrafficKind::synthetic && t.ip == 6)
    fail_at({"traffic.errors.bad_ip_checksum", "traffic.ip"}, "IPv6 has no header checksum", "0, or traffic.ip 4");
  if (t.link_down.length == 0) {
    if (t.link_down.at) fail_at({"traffic.link_down.at"}, "the link is never down", "traffic.link_down.length");
    if (t.link_down.period) fail_at({"traffic.link_down.period"}, "the link is never down", "traffic.link_down.length");
  } else if (t.link_down.period && t.link_down.period <= t.link_down.length) {
    fail_at({"traffic.link_down.period", "traffic.link_down.length"}, "the link would never come up again", "0, or more than traffic.link_down.length");
  }
  const bool translates = scenario_.iommu.mode == IommuMode::lazy || scenario_.iommu.mode == IommuMode::strict;
  if (scenario_.iommu.faults.injected && !translates)
    fail_at({"iommu.faults.injected", "iommu.mode"}, "nothing is translated that could fault", "0, or iommu.mode lazy or strict");
  const Watchdog& w = scenario_.host.watchdog;
  if (w.period == 0 && w.skip_stuck)
    fail_at({"host.watchdog.skip_stuck", "host.watchdog.period"}, "there is no watchdog", "false, or a host.watchdog.period");
}

void Reader::check_traffic() {
  const Traffic& t = scenario_.traffic;
  if (t.kind == TrafficKind::dma_bench) return check_dma_bench();
  if (t.kind == TrafficKind::pcap && t.file.empty())
    return fail_at({"traffic.kind", "traffic.file"}, "a capture needs traffic.file", "the name of a pcap or pcapng file");
  if (t.kind != TrafficKind::pcap && wrote("traffic.file") && !wrote("traffic.kind"))
    fail_at({"traffic.file"}, "a capture is given but traffic.kind is synthetic", "traffic.kind \"pcap\"");
  check_faults();
  const bool closed = t.tcp == TcpMode::closed;
  if (closed && t.kind != TrafficKind::synthetic)
    fail_at({"traffic.tcp", "traffic.kind"}, "a closed TCP loop needs synthetic traffic", "traffic.kind \"synthetic\"");
  if (closed && t.protocol != Protocol::tcp)
    fail_at({"traffic.tcp", "traffic.protocol"}, "a closed TCP loop needs protocol tcp", "traffic.protocol \"tcp\"");
  if (t.kind != TrafficKind::synthetic) return;
  if (!closed && !t.rate)
    fail_at({"traffic.rate", "traffic.kind"}, "synthetic traffic needs a rate", "traffic.rate, or traffic.tcp \"closed\"");
  if (t.rate && *t.rate > scenario_.nic.link_rate)
    fail_at({"traffic.rate", "nic.link_rate"}, rate(*t.rate) + " is more than the link's " + rate(scenario_.nic.link_rate),
            "at most nic.link_rate");
  const Count headers =
      kEthernet + (t.vlan != 0 ? kTag : 0) + (t.ip == 4 ? 20 : 40) + (t.protocol == Protocol::tcp ? 20 : 8) + kFcs;
  const Count most = scenario_.nic.mtu + kEthernet + (t.vlan != 0 ? kTag : 0) + kFcs;
  for (const FrameSize& f : t.frame_bytes) {
    if (f.bytes > most)
      fail_at({"traffic.frame_bytes", "nic.mtu"},
              number(f.bytes) + " B is more than a frame of MTU " + bytes(scenario_.nic.mtu) + " has",
              "at most " + number(most) + " (MTU, Ethernet header, tag, FCS)");
    if (f.bytes < headers)
      fail_at({"traffic.frame_bytes", "traffic.ip", "traffic.protocol"},
              number(f.bytes) + " B is less than the headers and the FCS", "at least " + number(headers));
  }
}

// What a guest's driver would not do, or could not.
void Reader::check_virtio(std::size_t i) {
  const Virtio& v = scenario_.guests[i].virtio;
  const std::string path = "guests." + number(i) + ".virtio.";
  const bool old = v.driver == GroRules::linux_2_6_35, jumbo = scenario_.nic.mtu > 1500;
  const bool merged = v.tso(v.guest_tso4) || v.tso(v.guest_tso6);
  for (const char* key : {"guest_tso4", "guest_tso6"}) {
    if (!v.tso(key == std::string("guest_tso4") ? v.guest_tso4 : v.guest_tso6)) continue;
    if (!v.guest_csum) fail_at({path + key, path + "guest_csum"}, "merged packets need guest_csum", "guest_csum true, or " + std::string(key) + " false");
    if (v.rx_mode == RxMode::small)
      fail_at({path + key, path + "rx_mode"}, "a driver that takes merged packets does not post small buffers", "rx_mode big or mergeable");
  }
  if (v.rx_mode == RxMode::big && !merged && (old || !jumbo))
    fail_at({path + "rx_mode", path + "guest_tso4"}, "without merged packets and a large MTU the driver posts small buffers, not big ones",
            "guest_tso4 or guest_tso6, or rx_mode small");
  if (v.rx_mode == RxMode::small && !old && jumbo)
    fail_at({path + "rx_mode", "nic.mtu"}, "with an MTU of more than 1500 B the driver posts big buffers, not small ones", "big, mergeable");
  if (v.hash_report && (old || !v.version_1))
    fail_at({path + "hash_report", path + "driver", path + "version_1"}, "a hash report needs a driver that knows it and version_1",
            "driver \"linux-6\", version_1 true");
  if (v.ring == RingFormat::packed && (old || !v.version_1))
    fail_at({path + "ring", path + "driver", path + "version_1"}, "a packed ring needs a driver that knows it and version_1",
            "driver \"linux-6\", version_1 true");
  if (v.in_order && (old || !v.version_1))
    fail_at({path + "in_order", path + "driver", path + "version_1"}, "in-order use needs a driver that knows it and version_1",
            "driver \"linux-6\", version_1 true");
}

void Reader::check_guests() {
  std::map<std::string, std::size_t> names;
  std::map<std::pair<std::optional<Mac>, Count>, std::size_t> addresses;
  std::size_t vcpus = 0;
  for (std::size_t i = 0; i < scenario_.guests.size(); ++i) {
    const Guest& g = scenario_.guests[i];
    const std::string path = "guests." + number(i);
    const bool name_ok = !g.name.empty() && std::all_of(g.name.begin(), g.name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!name_ok)
      fail_at({path + ".name"}, "\"" + g.name + "\" is no name for a guest", "lower-case letters, digits and dashes");
    if (const auto [it, fresh] = names.emplace(g.name, i); !fresh)
      fail_at({path + ".name", path}, "the name \"" + g.name + "\" is already that of guests." + number(it->second),
              "a name of its own for each guest");
    if (const auto [it, fresh] = addresses.emplace(std::make_pair(g.mac, g.vlan), i); !fresh) {
      const std::string both =
          g.mac || g.vlan != 0 ? "has mac and vlan of guests." : "takes every unclaimed frame, as does guests.";
      fail_at({path + ".mac", path + ".vlan", path}, both + number(it->second), "a mac or vlan of its own for each guest");
    }
    if (g.virtio.ring == RingFormat::split && (g.virtio.queue_size & (g.virtio.queue_size - 1)) != 0)
      fail_at({path + ".virtio.queue_size"}, number(g.virtio.queue_size) + " is not a power of two, which a split ring needs",
              "4, 8, 16 ... 32768");
    check_virtio(i);
    if (g.memory % bytes_of(g.backing_page) != 0)
      fail_at({path + ".memory", path + ".backing_page"},
              bytes(g.memory) + " is not a whole number of backing pages of " + bytes(bytes_of(g.backing_page)),
              "a multiple of backing_page");
    vcpus += g.vcpus;
  }
  if (scenario_.host.affinity.vcpu.size() > vcpus)
    fail_at({"host.affinity.vcpu"},
            "names " + number(scenario_.host.affinity.vcpu.size()) + " cores for " + number(vcpus) + " virtual CPUs",
            "at most one for each");
}

// Told at the largest memory of which the user wrote how much.
void Reader::check_memory() {
  if (scenario_.traffic.kind == TrafficKind::dma_bench || memory_of(scenario_, 0) + memory_of(scenario_, 1) < kMemoryLimit) return;
  std::vector<std::pair<Bytes, std::string>> parts = {{scenario_.host.memory, "host.memory"}};
  if (scenario_.consumer == Consumer::guest)
    for (std::size_t i = 0; i < scenario_.guests.size(); ++i) parts.emplace_back(scenario_.guests[i].memory, "guests." + number(i) + ".memory");
  if (scenario_.consumer == Consumer::user_async)
    parts.emplace_back(scenario_.guests.size() * scenario_.user_async.buffers * scenario_.user_async.buffer, "user_async.buffers");
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> paths;
  for (const auto& p : parts) paths.push_back(p.second);
  fail_at(paths, "host and guests have too much memory together", "less than " + bytes(kMemoryLimit / 2) + ", with guests[].backing_page once more for each guest");
}

void Reader::cross_check() {
  check_device();
  check_traffic();
  check_guests();
  check_guest_metrics();
  check_memory();
}

}  // namespace gd::scenario
