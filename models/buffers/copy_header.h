// The data path of copy-header; see copy_header.cpp.
#pragma once
#include "models/buffers/received.h"
#include "models/buffers/zero_copy.h"

namespace gd {

// Where a packet's header goes, and what follows for buffers and registers.
struct CopyHeaderGeometry {
  enum class Place : std::uint8_t {
    separate,   // a ring buffer of its own
    room,       // the room before the payload, in the packet's first buffer
    chain       // the header buffer at the start of the payload's chain of descriptors
  } place = Place::separate;
  Bytes header_buffer = 0;     // separate, chain: bytes of a guest's header buffer
  Bytes room = 0;              // room: bytes before the payload
  Bytes header_space = 0;      // bytes that a packet header may have
  Bytes space = 0;             // bytes of a buffer that the NIC may fill
  Bytes packet_buffer = 0;     // BSIZEPACKET
  bool fits = true;            // the largest frame fits one buffer
  std::uint32_t of_frame = 1;  // buffers of the NIC that it takes
};
CopyHeaderGeometry copy_header_geometry(const BindEnvironment& e);

class CopyHeaderPath final : public ZeroCopyPath {
 public:
  // Costs: header.copy, header.pull, unsplit.copy (per byte).
  explicit CopyHeaderPath(PathContext c);
  void shape(RxQueueConfig& queue) override;
  bool merges() const override;
  Hpa headers(const Skb& skb) const override { return skb.head.addr; }
  void pulled_empty(Step& s, Skb& skb, const Frag& f) override;
  void absorbed(Step& s, Skb& shell) override;
  bool move_start(Step& s, Skb& skb, std::uint32_t headers, int by) override;
  bool post(Step& s) override;
  bool refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& descriptor) override;
  Skb* receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) override;
  Progress deliver(Step& s, Skb* skb) override;
  void release(Step& s, Skb* skb) override;
  void take_back(Step& s, std::uint32_t slot) override;
  std::uint64_t unreclaimed() const override { return buffers_of(c_.ownership, partial_); }

 private:
  using Place = CopyHeaderGeometry::Place;
  bool low() const override;
  bool handing_over() const override { return member_ != nullptr; }
  bool own_header() const { return g_.place == Place::separate; }   // the header has a ring buffer of its own
  // Where the NIC writes in a buffer.
  Bytes room() const { return g_.place == Place::room ? g_.room : 0; }
  Hpa data(std::uint32_t token) const { return place(token, room()); }
  Hpa written_from(std::uint32_t token) const override { return data(token); }
  void places(std::uint32_t token, std::uint32_t index, std::uint32_t headers) override;
  std::string pinned_together() const override;
  bool ready_for_copy() const override { return own_header() ? header_head_ != header_tail_ : spares() > 0; }
  std::uint32_t first_for_copy(Step& s) override;
  void unwind_first(Step& s, std::uint32_t token) override;
  Hpa header_place(std::uint32_t first, std::uint32_t headers, VirtioNetHdr& h) const override;
  std::uint32_t header_bytes(const Skb& skb) const override;
  std::uint32_t next_stored() override { return header_head_ == header_tail_ ? kNoToken : header_fifo_[header_head_++ & header_mask_]; }
  std::uint32_t mergeable_header(Hpa at, std::uint32_t length) const;
  void pull_headers(Step& s, Skb& skb);
  void move_payload(Step& s, Frag& f, std::uint32_t distance);
  void plant(Step& s, Skb& skb, std::uint64_t id);
  void without_payload(Step& s, Skb& skb, std::uint32_t token, Owner from);
  void undo_pull(Step& s, Skb& skb);
  bool begin(Step& s, Skb& skb);
  void header_apart(Step& s, Skb& skb);
  bool header_in_first(Step& s, Skb& skb);

  CopyHeaderGeometry g_;
  Cost header_copy_, pull_, unsplit_copy_;
  Bytes nic_header_;                         // of the NIC's header buffer: an skb's head takes no more than Skb::kSlab
  std::vector<Skb*> heads_;                  // by slot: the skb whose slab head is the header buffer
  std::vector<std::uint32_t> header_fifo_;   // guest header buffers that wait for packets
  std::uint32_t header_head_ = 0, header_tail_ = 0, header_mask_;
  Skb* partial_ = nullptr;
  std::uint32_t first_in_header_ = 0;
  const Skb* member_ = nullptr;              // deliver(): where the packet in hand goes on
  unsigned at_ = 0, buffers_ = 0;
};

}  // namespace gd
