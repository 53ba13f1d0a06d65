#include "src/system/environment.h"

#include <algorithm>
#include <sstream>

#include "models/base/error.h"
#include "models/guest/rx_layout.h"
#include "models/virtio/layout.h"
#include "src/system/params.h"
#include "src/system/system.h"

namespace gd::system {
namespace {

namespace sc = scenario;

// Everything about an option of a strategy's scenario entry; the default is StrategyOptions' own.
struct OptionRow {
  const char* name;
  sc::OptionType type;
  std::vector<std::string> allowed;
  const char* description;
  std::string (*get)(const StrategyOptions&);
  void (*set)(StrategyOptions&, const std::string& text);
};

// Names of an enumeration's values, in its order.
constexpr const char* kUnsplit[] = {"offset", "move", "copy"};
constexpr const char* kPlacement[] = {"separate-buffer", "in-first-buffer"};
constexpr const char* kGuestLayout[] = {"agreed", "smaller"};
constexpr const char* kUnfit[] = {"refuse", "copy"};
constexpr const char* kInOrder[] = {"refuse", "prefix"};
constexpr const char* kLargeFrames[] = {"copy", "refuse"};
constexpr const char* kDestructor[] = {"skb", "shared-info", "page-hash"};
constexpr const char* kCompletion[] = {"interrupt", "poll"};

template <class E, std::size_t N>
E value_of(const char* const (&names)[N], const std::string& text) {
  return static_cast<E>(std::find(std::begin(names), std::end(names), text) - std::begin(names));
}

const std::vector<OptionRow>& option_table() {
  static const std::vector<OptionRow> table = {
      {"placement", sc::OptionType::choice, {"separate-buffer", "in-first-buffer"},
       "where a packet's header goes: into a header buffer of its own, or into a room before the payload of its first buffer",
       [](const StrategyOptions& o) { return std::string(kPlacement[static_cast<int>(o.placement)]); },
       [](StrategyOptions& o, const std::string& t) { o.placement = value_of<Placement>(kPlacement, t); }},
      {"room", sc::OptionType::size, {}, "with in-first-buffer, bytes of the room that each buffer has before its payload, virtio header included",
       [](const StrategyOptions& o) { return std::to_string(o.room); },
       [](StrategyOptions& o, const std::string& t) { o.room = std::stoull(t); }},
      {"unsplit", sc::OptionType::choice, {"move", "copy", "offset"},
       "what happens to the payload of a frame that the NIC left whole: moved to the page's start, copied to a spare page, or "
       "delivered with an offset (needs used_offset)",
       [](const StrategyOptions& o) { return std::string(kUnsplit[static_cast<int>(o.unsplit)]); },
       [](StrategyOptions& o, const std::string& t) { o.unsplit = value_of<Unsplit>(kUnsplit, t); }},
      {"headers_of_8", sc::OptionType::count, {}, "of 8 buffers that the guest posts, how many are header buffers (1 to 7)",
       [](const StrategyOptions& o) { return std::to_string(o.headers_of_8); },
       [](StrategyOptions& o, const std::string& t) { o.headers_of_8 = static_cast<std::uint32_t>(std::stoul(t)); }},
      {"headroom", sc::OptionType::size, {}, "bytes before the virtio header that the guest's buffer keeps free (NET_SKB_PAD)",
       [](const StrategyOptions& o) { return std::to_string(o.headroom); },
       [](StrategyOptions& o, const std::string& t) { o.headroom = std::stoull(t); }},
      {"tailroom", sc::OptionType::size, {}, "bytes behind the frame for struct skb_shared_info",
       [](const StrategyOptions& o) { return std::to_string(o.tailroom); },
       [](StrategyOptions& o, const std::string& t) { o.tailroom = std::stoull(t); }},
      {"shadow_shared_info", sc::OptionType::boolean, {}, "the host keeps its own shared info instead of trusting the guest's",
       [](const StrategyOptions& o) { return std::string(o.shadow_shared_info ? "true" : "false"); },
       [](StrategyOptions& o, const std::string& t) { o.shadow_shared_info = t == "true"; }},
      {"guest_layout", sc::OptionType::choice, {"agreed", "smaller"},
       "whether the guest's driver lays its buffers out as asked, or keeps its own of virtio-net's small mode",
       [](const StrategyOptions& o) { return std::string(kGuestLayout[static_cast<int>(o.guest_layout)]); },
       [](StrategyOptions& o, const std::string& t) { o.guest_layout = value_of<GuestLayout>(kGuestLayout, t); }},
      {"buffer", sc::OptionType::size, {}, "bytes of a buffer that the guest posts, 2KiB or 4KiB",
       [](const StrategyOptions& o) { return std::to_string(o.buffer); },
       [](StrategyOptions& o, const std::string& t) { o.buffer = std::stoull(t); }},
      {"large_frames", sc::OptionType::choice, {"copy", "refuse"},
       "without used_offset, what happens to a frame of several buffers: moved by the host to where the guest reads it, or dropped",
       [](const StrategyOptions& o) { return std::string(kLargeFrames[static_cast<int>(o.large_frames)]); },
       [](StrategyOptions& o, const std::string& t) { o.large_frames = value_of<LargeFrames>(kLargeFrames, t); }},
      {"unfit_buffers", sc::OptionType::choice, {"refuse", "copy"},
       "what happens with guest buffers that the NIC cannot be given (too short, across pages, or laid out smaller than the driver's): "
       "given back unused or refused at bind, or filled by copies from pages of the host",
       [](const StrategyOptions& o) { return std::string(kUnfit[static_cast<int>(o.unfit_buffers)]); },
       [](StrategyOptions& o, const std::string& t) { o.unfit_buffers = value_of<UnfitBuffers>(kUnfit, t); }},
      {"in_order", sc::OptionType::choice, {"refuse", "prefix"},
       "with VIRTIO_F_IN_ORDER, whether the design is refused or serves the contiguous prefix of its buffers, one a packet and unmerged",
       [](const StrategyOptions& o) { return std::string(kInOrder[static_cast<int>(o.in_order)]); },
       [](StrategyOptions& o, const std::string& t) { o.in_order = value_of<InOrder>(kInOrder, t); }},
      {"destructor", sc::OptionType::choice, {"skb", "shared-info", "page-hash"},
       "where the host finds whose buffers an ending packet holds: in the sk_buff, in its shared info, or by a hash of pages",
       [](const StrategyOptions& o) { return std::string(kDestructor[static_cast<int>(o.destructor)]); },
       [](StrategyOptions& o, const std::string& t) { o.destructor = value_of<Destructor>(kDestructor, t); }},
      {"threshold", sc::OptionType::size, {}, "pieces of a packet from this length on are copied by the engine, shorter ones by the worker",
       [](const StrategyOptions& o) { return std::to_string(o.threshold); },
       [](StrategyOptions& o, const std::string& t) { o.threshold = std::stoull(t); }},
      {"completion", sc::OptionType::choice, {"interrupt", "poll"},
       "how a worker with nothing else to do waits for the engine: asleep until its interrupt, or polling on its core",
       [](const StrategyOptions& o) { return std::string(kCompletion[static_cast<int>(o.completion)]); },
       [](StrategyOptions& o, const std::string& t) { o.completion = value_of<CopyCompletion>(kCompletion, t); }}};
  return table;
}

const OptionRow& option_row(std::string_view name) {
  for (const OptionRow& r : option_table())
    if (r.name == name) return r;
  broken("strategy option \"" + std::string(name) + "\" is not in the table");
}

StrategyOptions options_of(const sc::StrategyChoice& choice) {
  StrategyOptions o;
  for (const auto& [key, text] : choice.options) option_row(key).set(o, text);
  for (int h = 0; h < static_cast<int>(Hazard::count_); ++h)
    if (choice.hazard == hazard_name(static_cast<Hazard>(h))) o.hazard = static_cast<Hazard>(h);
  return o;
}

sc::StrategyOption option(std::string_view name) {
  const OptionRow& r = option_row(name);
  sc::StrategyOption o;
  o.name = r.name;
  o.type = r.type;
  o.allowed = r.allowed;
  o.fallback = r.get(StrategyOptions{});
  o.description = r.description;
  return o;
}

Consumer consumer_of(sc::Consumer c) { return static_cast<Consumer>(c); }

constexpr unsigned kChain = 19;                // descriptors of a chain of the big mode as zero copy has it: a header and MAX_SKB_FRAGS pages
constexpr std::uint32_t kPacketBuffersOld = 18;   // MAX_SKB_FRAGS of 2.6.35, whose receive_mergeable() has no frag_list

// Whether the bridge may flood a frame to this guest, which gets a copy: one sent so, or as recorded, or the first byte of whose MAC
// another guest or a fault has changed.
bool may_flood(const sc::Scenario& s, std::size_t guest) {
  if (s.consumer != sc::Consumer::guest || s.guests.size() < 2 || !bridge_params(s).active(foreign_frames(s))) return false;
  bool writes = false;
  for (std::size_t g = 0; g < s.guests.size(); ++g) writes = writes || (g != guest && spoils_memory(static_cast<BehaviourKind>(s.guests[g].behaviour)));
  return s.traffic.foreign.broadcast + s.traffic.foreign.multicast > 0 || s.traffic.kind == sc::TrafficKind::pcap || writes || s.nic.faults.corrupt();
}

}  // namespace

BindEnvironment environment(const sc::Scenario& s, const sc::StrategyChoice& choice, std::size_t guest) {
  BindEnvironment e;
  e.consumer = consumer_of(s.consumer);
  e.split = static_cast<SplitMode>(s.nic.header_split.mode);
  e.header_buffer = s.nic.header_split.header_buffer;
  e.split_threshold = s.nic.header_split.threshold;
  e.rx_buffer = s.nic.rx_buffer;
  e.buffer_size_per_descriptor = s.nic.buffer_size == sc::BufferScope::per_descriptor;
  e.scatter = s.nic.scatter;
  e.virtio_rings = s.nic.virtio_rings;
  e.mtu = static_cast<std::uint32_t>(s.nic.mtu);
  e.ring_size = static_cast<std::uint32_t>(s.nic.ring_size);
  e.rx_queues = static_cast<std::uint32_t>(s.nic.rx_queues);
  e.guests = static_cast<std::uint32_t>(s.guests.size());
  e.pin = static_cast<PinPolicy>(s.host.pin);
  e.memlock_limit = s.host.memlock_limit ? s.host.memlock_limit : UINT64_MAX;
  e.iommu_translates = s.iommu.mode == sc::IommuMode::lazy || s.iommu.mode == sc::IommuMode::strict;
  e.at_limit = static_cast<AtLimit>(s.host.at_memlock_limit);
  e.copybreak = s.host.copybreak;
  e.page_recycle = s.host.page_recycle;
  e.unmap_batch = static_cast<std::uint32_t>(s.host.unmap_batch);
  e.page_cache = static_cast<std::uint32_t>(s.host.page_cache);
  e.gro = s.host.gro.enabled;
  e.before_skb = s.consumer == sc::Consumer::drop && s.drop.stage == sc::DropAt::driver;
  e.vhost = s.vhost.rules == sc::GroRules::linux_6 ? VhostRules::linux_6 : VhostRules::linux_2_6_35;
  e.dirty_log = s.host.dirty_log;
  e.softirq_publish = s.vhost.publish == sc::Publisher::softirq;
  const sc::RewriteKind kind = s.host.rewrite.kind;
  const bool grows = s.host.rewrite.share &&
                     (kind == sc::RewriteKind::vlan_push || kind == sc::RewriteKind::vlan_pop || kind == sc::RewriteKind::encapsulate);
  const bool broadcasts = s.traffic.foreign.broadcast + s.traffic.foreign.multicast > 0;
  e.host_copies = grows || may_flood(s, guest);
  e.host_work = s.host.rewrite.share ? "host.rewrite" : s.host.filter.share ? "host.filter" : s.host.clone.share ? "host.clone"
                : s.traffic.foreign.total() ? "traffic.foreign" : "";
  e.copied_work = grows ? "host.rewrite" : !e.host_copies ? "" : broadcasts ? "a broadcast" : "a frame whose group bit a capture, a guest or a fault sets";
  e.copy_engine = s.host.copy_engine.channels != 0;
  e.options = options_of(choice);
  const sc::Defences& d = s.defences;
  e.options.shadow_shared_info = e.options.shadow_shared_info && d.shadow_shared_info;
  e.defences.validate = d.validate;
  e.defences.read_once = d.read_once;
  e.defences.header_snapshot = d.header_snapshot;
  e.defences.buffer_quota = static_cast<std::uint32_t>(d.buffer_quota);
  if (d.pin_quota) e.defences.pin_quota = d.pin_quota;
  e.defences.depleted = static_cast<Depleted>(d.depleted);
  e.shared_queue = shares_queue(s);
  e.defences.shared_pool = static_cast<std::uint32_t>(d.shared_pool);
  e.defences.host_reserve = static_cast<std::uint32_t>(d.host_reserve);
  if (e.consumer == Consumer::user_async) {
    e.guest_memory = align_up(s.user_async.buffers * s.user_async.buffer, kPage);
    e.user_buffer = s.user_async.buffer;
  }
  if (e.consumer == Consumer::guest) {
    const sc::Guest& g = s.guests.at(guest);
    e.rx_mode = static_cast<RxMode>(g.virtio.rx_mode);
    e.mergeable = e.rx_mode == RxMode::mergeable;
    e.in_order = g.virtio.in_order;
    e.used_offset = e.mergeable && g.virtio.used_offset;
    e.split_layout = g.virtio.split_layout;
    e.queue_size = static_cast<std::uint16_t>(g.virtio.queue_size);
    const Strategy* strategy = find_strategy(choice.name);
    GuestParams driver = guest_params(s, guest);
    driver.virtio.offered &= offered_features(s, strategy && strategy->declaration().device_ring);
    const std::uint64_t features = guest_features(driver);
    const bool old = g.virtio.driver == sc::GroRules::linux_2_6_35;
    e.header_length = feature::header_length(features);
    e.header_apart = e.rx_mode == RxMode::small && old;
    const unsigned each = feature::has(features, feature::kIndirect) ? 1 : e.header_apart ? 2 : e.rx_mode == RxMode::big ? kChain : 1;
    e.ring_buffers = e.queue_size / each;
    if (old && e.mergeable) e.packet_buffers = kPacketBuffersOld;
    e.guest_memory = g.memory;
  }
  return e;
}

bool foreign_frames(const sc::Scenario& s) {
  return s.traffic.foreign.total() != 0 || (s.traffic.kind == sc::TrafficKind::pcap && s.guests.size() > 1);
}

bool addressed(const sc::Scenario& s) { return s.consumer == sc::Consumer::guest || s.consumer == sc::Consumer::user_async; }

bool one_takes_all(const sc::Scenario& s) {
  if (!addressed(s) || s.guests.size() != 1 || s.guests[0].vlan != 0) return false;
  return !s.guests[0].mac || s.traffic.rewrite_dst_mac == sc::DstMac::guest;
}

bool shares_queue(const sc::Scenario& s) {
  return addressed(s) && !s.nic.steering && s.guests.size() > 1;
}

bool defenceless(const sc::Scenario& s, const sc::StrategyChoice& choice) {
  const Strategy* strategy = find_strategy(choice.name);
  const sc::Defences& d = s.defences;
  const auto reads = [&](std::string_view key) {
    const auto& all = strategy->declaration().options;
    return std::find(all.begin(), all.end(), key) != all.end();
  };
  if (s.consumer == sc::Consumer::user_async) return !d.validate;
  return s.consumer == sc::Consumer::guest &&
         (!d.validate || !d.read_once || (strategy && reads("shadow_shared_info") && !environment(s, choice, 0).options.shadow_shared_info));
}

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const Strategy* s : strategies()) names.emplace_back(s->declaration().name);
  return names;
}

void describe_to_loader(sc::LoadOptions& o) {
  o.strategies.clear();
  for (const Strategy* s : strategies()) {
    sc::StrategyType t;
    t.name = std::string(s->declaration().name);
    for (std::string_view key : s->declaration().options) t.options.push_back(option(key));
    for (Hazard h : s->declaration().hazards) t.hazards.emplace_back(hazard_name(h));
    o.strategies.push_back(std::move(t));
  }
  o.known_metric = [](std::string_view name) { return known_metric(std::string(name)); };
  o.metric_unit = [](std::string_view name) -> std::optional<std::string> {
    const MetricInfo* m = find_metric(std::string(name));
    return m == nullptr ? std::nullopt : std::optional(m->unit);
  };
  for (const MetricInfo& m : metric_table()) o.metric_names.push_back(m.name);
}

namespace {

// Whether merged frames reach the guest, and what that takes: the design is asked for a guest without and with the extension.
std::string merging(const Strategy& s) {
  BindEnvironment e;
  if (!s.declaration().merges) return "no: GRO is off on its queue";
  if (s.merges(e)) return "yes";
  e.used_offset = true;
  if (!s.merges(e)) return "no";
  e.in_order = true;
  return std::string("yes, where used_offset is negotiated") + (s.merges(e) ? "" : " and VIRTIO_F_IN_ORDER is not") + "; else GRO is off on its queue";
}

}  // namespace

std::string describe_strategy(const std::string& name) {
  const Strategy* s = find_strategy(name);
  if (!s) return {};
  const Declaration& d = s->declaration();
  std::ostringstream out;
  out << d.name << ": " << d.summary << "\n\n"
      << "  NIC writes         " << d.nic_writes << "\n"
      << "  host CPU copies    " << d.host_copies << "\n"
      << "  virtio header goes " << d.header_goes << "\n"
      << "  guest must         " << d.guest_must << "\n"
      << "  NIC must           " << d.nic_must << "\n"
      << "  driver functions   " << d.driver_functions << " that a NIC driver must change\n"
      << "  data path          " << (d.device_ring ? "device ring" : "host driver") << "\n"
      << "  merged frames      " << merging(*s) << "\n";
  if (!d.options.empty()) out << "\noptions:\n";
  for (std::string_view key : d.options) {
    const sc::StrategyOption o = option(key);
    out << "  " << o.name << " (default " << o.fallback << "): " << o.description << "\n";
  }
  if (!d.hazards.empty()) out << "\nhazards (mistakes that a scenario can switch on to see them found):\n";
  for (Hazard h : d.hazards) out << "  " << hazard_name(h) << "\n";
  return out.str();
}

std::optional<std::string> refusal(const sc::Scenario& common, const sc::StrategyChoice& choice) {
  if (common.traffic.kind == sc::TrafficKind::dma_bench) return std::nullopt;
  const sc::Scenario s = sc::for_strategy(common, choice);
  const Strategy* strategy = find_strategy(choice.name);
  if (!strategy) return "there is no strategy of that name";
  const auto& hazards = strategy->declaration().hazards;
  if (!choice.hazard.empty() &&
      std::none_of(hazards.begin(), hazards.end(), [&](Hazard h) { return choice.hazard == hazard_name(h); }))
    return "it has no hazard \"" + choice.hazard + "\"";
  const bool guests = s.consumer == sc::Consumer::guest;
  if (s.host.unmap_batch > 1 && guests && (strategy->declaration().guest_memory || strategy->declaration().device_ring))
    return "the pages that the card writes are the guest's, which gets each one back unmapped, not in batches (host.unmap_batch)";
  const bool copies = shares_queue(s) && s.defences.shared_queue == sc::SharedQueue::copy && !strategy->declaration().device_ring;
  if (strategy->declaration().guest_memory && !s.nic.steering && !copies)
    return s.consumer == sc::Consumer::user_async
               ? "the NIC must know the application before the DMA: its pages would take the others' frames (nic.steering is off)"
               : "the NIC must know the guest before the DMA (nic.steering is off)";
  for (std::size_t g = 0; g < (guests ? s.guests.size() : 1); ++g)
    if (auto why = strategy->refuse(environment(s, choice, g))) return why;
  return std::nullopt;
}

std::vector<sc::StrategyChoice> choices(const sc::Scenario& s) {
  if (s.traffic.kind == sc::TrafficKind::dma_bench) {   // no buffers to choose among
    sc::StrategyChoice none;
    none.name = none.label = "none";
    return {none};
  }
  if (!s.all_strategies) return s.strategies;
  std::vector<sc::StrategyChoice> all;
  for (const std::string& name : strategy_names()) {
    sc::StrategyChoice c;
    c.name = c.label = name;
    all.push_back(std::move(c));
  }
  return all;
}

std::uint64_t buffering(const sc::Scenario& common, const sc::StrategyChoice& choice) {
  const sc::Scenario s = sc::for_strategy(common, choice);
  const Strategy* strategy = find_strategy(choice.name);
  if (strategy && s.consumer == sc::Consumer::user_async)   // the ring, and the application's buffers: the same ones, or for copies behind it
    return strategy->declaration().guest_memory && !shares_queue(s) ? std::min(s.nic.ring_size - 1, s.user_async.buffers) : s.nic.ring_size - 1 + s.user_async.buffers;
  return strategy ? strategy->buffering(environment(s, choice, 0), s.host.tap_queue) : 0;
}

}  // namespace gd::system
