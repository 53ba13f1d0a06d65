#include "models/guest/guest.h"

#include "models/base/error.h"
#include "models/guest/app.h"
#include "models/guest/behaviour.h"
#include "models/guest/softirq.h"

namespace gd {

GuestCosts::GuestCosts(CostBook& b)
    : irq(b.get("guest.irq")), napi_poll(b.get("guest.napi_poll")), napi_complete(b.get("guest.napi_complete")),
      used_entry(b.get("guest.used_entry")), driver_packet(b.get("guest.driver_packet")), skb_alloc(b.get("guest.skb_alloc")),
      frag(b.get("guest.frag")), linear_copy(b.get("guest.linear_copy")), gro_receive(b.get("guest.gro_receive")),
      gro_compare(b.get("guest.gro_compare")), gro_merge(b.get("guest.gro_merge")), gro_complete(b.get("guest.gro_complete")), indirect_table(b.get("guest.indirect_table")), refill(b.get("guest.refill")),
      page_alloc(b.get("guest.page_alloc")), page_free(b.get("guest.page_free")), skb_free(b.get("guest.skb_free")),
      ip(b.get("guest.ip")), decapsulate(b.get("guest.decapsulate")), tcp(b.get("guest.tcp")), udp(b.get("guest.udp")), udp_no_port(b.get("guest.udp_no_port")), raw(b.get("guest.raw")),
      checksum(b.get("guest.checksum")), socket_queue(b.get("guest.socket_queue")), read(b.get("guest.read")),
      copy_user(b.get("guest.copy_user")), tcp_ack(b.get("guest.tcp_ack")), tx_xmit(b.get("guest.tx_xmit")),
      tx_reclaim(b.get("guest.tx_reclaim")), doorbell(b.get("guest.doorbell")), exit_kick(b.get("vm.exit_kick")),
      exit_inject(b.get("vm.exit_inject")), exit_eoi(b.get("vm.exit_eoi")), exit_user(b.get("vm.exit_user")),
      ring(b.account("guest.ring")), header(b.account("guest.header")) {}

struct Guest::Parts {
  Parts(const GuestParams& p, const Environment& e, std::uint32_t rank)
      : context(p, e), buffers(context), rx(context, buffers), tx(context, rx.ring().layout().features), checker(context, buffers),
        stack(context, buffers, checker, tx, socket), gro(context, buffers, stack), app(context, buffers, checker, stack, socket), timers(e.agenda, rank, context),
        softirq(context, rx, tx, gro, stack, timers) {
    timers.attach(softirq, stack);
    app.set_softirq(softirq);
    behaviour = make_behaviour(context, buffers, rx);
    context.behaviour = behaviour.get();
    rx.fill();
    timers.first_kick();
    if (behaviour) timers.behave_at(behaviour->due());
  }
  GuestContext context;
  GuestBuffers buffers;
  GuestRxQueue rx;
  GuestTxQueue tx;
  GuestChecker checker;
  GuestSocket socket;
  GuestStack stack;
  GuestGro gro;
  GuestApp app;
  GuestTimers timers;
  GuestSoftirq softirq;
  std::unique_ptr<Behaviour> behaviour;   // null: well-behaved
};

Guest::Guest(const GuestParams& p, const Environment& e, std::uint32_t actor_rank) : params_(p) {
  if (p.tcp.window_scale > 14) throw UserError("guest " + p.name + ": a TCP window scale is at most 14");
  if (p.tcp.closed && (p.tcp.flows == 0 || p.tcp.ack_segments == 0))
    throw UserError("guest " + p.name + ": closed TCP needs room for a connection, and an ACK for a segment or more");
  parts_ = std::make_unique<Parts>(params_, e, actor_rank);
}
Guest::~Guest() = default;

void Guest::attach(Vcpu& softirq, Core& softirq_core, Vcpu& app, Core& app_core) {
  softirq.attach(parts_->softirq, softirq_core);
  app.attach(parts_->app, app_core);
  parts_->softirq.set_vcpu(softirq);
  if (!params_.msix) parts_->context.user_exits = softirq_core.ledger().row(softirq_core.name(), "exit-user");
}

void Guest::observe(Observer* o) {
  parts_->context.observer = o;
  parts_->stack.observe(o);
}

GuestSpace& Guest::space() { return parts_->context.space; }
const VirtQueueLayout& Guest::rx() const { return parts_->rx.ring().layout(); }
const VirtQueueLayout& Guest::tx() const { return parts_->tx.ring().layout(); }
InterruptSink& Guest::interrupts() { return parts_->softirq; }
bool Guest::asleep() const { return parts_->softirq.sleeps(); }
void Guest::on_kick(KickSink& sink) { parts_->timers.set_sink(sink); }
void Guest::on_reset(ResetSink& sink) { parts_->context.reset = &sink; }
const GuestStats& Guest::stats() const { return parts_->context.stats; }
std::uint64_t Guest::held() const { return parts_->context.held; }
std::uint64_t Guest::posted_buffers() const { return parts_->rx.posted(); }
std::uint64_t Guest::registered_buffers() const { return parts_->buffers.registered(); }
Histogram Guest::hold_times(Time now) const {
  Histogram h = parts_->context.hold;
  if (parts_->behaviour) parts_->behaviour->kept_so_far(h, now);
  return h;
}
Bytes Guest::queued() const { return parts_->socket.truesize; }
const std::vector<std::string>& Guest::integrity_messages() const { return parts_->checker.messages(); }

}  // namespace gd
