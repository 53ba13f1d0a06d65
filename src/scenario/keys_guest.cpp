#include "src/scenario/reader.h"
#include "src/scenario/table.h"

namespace gd::scenario {

void guest_keys(Table& t) {
  t.string("guests[].name", GUEST(name),
           "Name in results: lower-case letters, digits and dashes; the n-th guest's default is g<n>, from 0.");
  t.other("guests[].mac", read_mac(), "a unicast address as in \"52:54:00:00:00:01\"",
          "MAC address. A guest without mac and vlan takes every frame that no other guest claims.", "", true);
  t.count("guests[].vlan", GUEST(vlan), {0, 4094}, "VLAN that the guest is on; 0: none.");
  t.size("guests[].memory", GUEST(memory), {16u << 20, 63ull << 30}, "Memory of the guest; less than 64GiB with the host's and the other guests'.");
  t.count("guests[].memory_node", GUEST(memory_node), {0, 1}, "Socket whose memory the guest's is; the card is on socket 0.");
  t.choice("guests[].backing_page", GUEST(backing_page), {"4KiB", "2MiB", "1GiB"}, "Host pages behind the guest's memory.");
  t.count("guests[].traffic_share", GUEST(traffic_share), {1, 1'000},
          "Weight of the guest in synthetic traffic: of so many flows in turn so many are its own. The weights' sum is at most traffic.flows.");
  behaviour_keys(t);
  t.count("guests[].vcpus", GUEST(vcpus), {1, 1},
          "Virtual CPUs: one, which driver, stack and application share. More are not modelled, as a device has one receive queue and one interrupt.");
  t.boolean("guests[].gro.enabled", GUEST(gro.enabled), "Segments are merged in the guest.");
  t.choice("guests[].gro.rules", GUEST(gro.rules), {"linux-2.6.35", "linux-6"}, "Whose merging rules hold.");
  t.choice("guests[].virtio.ring", GUEST(virtio.ring), {"split", "packed"}, "Layout of the rings: VIRTIO_F_RING_PACKED or not.");
  t.count("guests[].virtio.queue_size", GUEST(virtio.queue_size), {4, 32'768},
          "Entries of a ring; a power of two where it is split.", "QEMU: 256");
  t.choice("guests[].virtio.rx_mode", GUEST(virtio.rx_mode), {"small", "big", "mergeable"},
           "What the driver posts: one small buffer a packet, chains of pages, or mergeable buffers.");
  t.boolean("guests[].virtio.guest_csum", GUEST(virtio.guest_csum),
            "VIRTIO_NET_F_GUEST_CSUM: the guest takes packets whose checksum is verified, or still to be completed.");
  t.boolean("guests[].virtio.guest_tso4", GUEST(virtio.guest_tso4),
            "VIRTIO_NET_F_GUEST_TSO4 (with GUEST_ECN): the guest takes merged TCP packets over IPv4. Absent: yes, except in small "
            "mode and without guest_csum.");
  t.boolean("guests[].virtio.guest_tso6", GUEST(virtio.guest_tso6), "VIRTIO_NET_F_GUEST_TSO6: the same over IPv6.");
  t.boolean("guests[].virtio.version_1", GUEST(virtio.version_1),
            "VIRTIO_F_VERSION_1; off: the legacy interface, with a header of 10 bytes where buffers are not mergeable. The driver "
            "of 2.6.35 knows no other.");
  t.boolean("guests[].virtio.hash_report", GUEST(virtio.hash_report),
            "VIRTIO_NET_F_HASH_REPORT: a header of 20 bytes carries the receive hash to the guest's GRO.");
  t.boolean("guests[].virtio.event_idx", GUEST(virtio.event_idx),
            "VIRTIO_F_EVENT_IDX. The driver of 2.6.35 does not know it.");
  t.boolean("guests[].virtio.msix", GUEST(virtio.msix),
            "The host's device has MSI-X; off: one interrupt line, and each interrupt reads the ISR port, an exit to user space. A "
            "card's own virtio rings have MSI-X always.", "QEMU virtio-pci: 3 vectors");
  t.boolean("guests[].virtio.indirect", GUEST(virtio.indirect), "VIRTIO_F_INDIRECT_DESC: a buffer of several descriptors takes one entry of the ring and a table.");
  t.boolean("guests[].virtio.in_order", GUEST(virtio.in_order), "VIRTIO_F_IN_ORDER: buffers come back in the order in which they were posted.");
  t.boolean("guests[].virtio.used_offset", GUEST(virtio.used_offset), "Extension bit: used entries carry an offset beside their length. Needs mergeable buffers.");
  t.boolean("guests[].virtio.split_layout", GUEST(virtio.split_layout),
            "Extension bit: hdr_len of the virtio header tells where the payload begins, in a chain's next descriptor or behind a room.");
  t.size("guests[].virtio.buffer", GUEST(virtio.buffer), {0, 64 * 1024},
         "Size of a mergeable buffer; 0: by the driver's rules.");
  t.choice("guests[].virtio.driver", GUEST(virtio.driver), {"linux-2.6.35", "linux-6"}, "Whose virtio-net driver is followed.");
  t.count("guests[].virtio.ip_align", GUEST(virtio.ip_align), {0, 2, 2},
          "NET_IP_ALIGN of the 2.6.35 driver's architecture: its skbs for big and mergeable buffers have 190 linear bytes with 2, "
          "128 with 0.", "x86 up to 2.6.35: 2");
  t.boolean("guests[].app.listens", GUEST(app.listens),
            "An application takes UDP datagrams; off: they find no socket and end in the guest's stack, as a packet generator's do.");
  t.size("guests[].app.read_size", GUEST(app.read_size), {1, 16u << 20}, "Bytes that the application asks for in one read.",
         "iperf3-like");
  t.size("guests[].app.socket_buffer", GUEST(app.socket_buffer), {4'096, 1u << 30},
         "Receive buffer of the application's socket.", "Linux tcp_rmem maximum: 6 MB");
  t.count("guests[].app.delayed_ack_segments", GUEST(app.delayed_ack_segments), {1, 1'000},
          "Full segments after which an acknowledgement is sent at once.", "RFC 1122: 2");
  t.time("guests[].app.delayed_ack_timeout", GUEST(app.delayed_ack_timeout), {1'000'000},
         "An acknowledgement is not held longer than this.", "Linux TCP_DELACK_MIN: 40 ms");
}

}  // namespace gd::scenario
