// TLP arithmetic of the link: counts, bytes, rates.
#include <bit>
#include <string>

#include "models/base/error.h"
#include "models/pcie/pcie.h"

namespace gd {
namespace {

constexpr Bytes kBorder = 4096;   // no TLP crosses it (PCI Express Base Specification, 2.2.7)

// ceil(n / chunk) for a power of two.
constexpr std::uint64_t pieces(Bytes n, Bytes chunk) { return (n + chunk - 1) >> std::countr_zero(chunk); }

// The parts of [address, address + n) between 4 KiB borders: one up to the first border, whole ones, one after the last.
struct Parts {
  Bytes head, tail;
  std::uint64_t whole;
};
constexpr Parts part(std::uint64_t address, Bytes n) {
  const Bytes room = kBorder - (address & (kBorder - 1));
  const Bytes head = n < room ? n : room;
  const Bytes rest = n - head;
  return {head, rest & (kBorder - 1), rest / kBorder};
}

constexpr std::uint64_t requests(std::uint64_t address, Bytes n, Bytes chunk) {
  if ((address & (kBorder - 1)) + n <= kBorder) return pieces(n, chunk);   // as most are
  const Parts s = part(address, n);
  return pieces(s.head, chunk) + s.whole * (kBorder >> std::countr_zero(chunk)) + pieces(s.tail, chunk);
}

// Completions of one request of n bytes that starts `offset` bytes after a read completion boundary.
constexpr std::uint64_t of_request(Bytes n, Bytes offset, Bytes max_payload) {
  if (n == 0) return 0;
  return n <= max_payload ? 1 : pieces(n + offset, max_payload);
}

bool power_of_two_in(Bytes v, Bytes low, Bytes high) { return v >= low && v <= high && std::has_single_bit(v); }

[[noreturn]] void refuse(const char* parameter, std::uint64_t value, const char* allowed) {
  throw UserError(std::string("pcie.") + parameter + ": " + std::to_string(value) + " is not possible; allowed: " + allowed);
}

}  // namespace

TlpCount write_tlps(const PcieParams& p, std::uint64_t address, Bytes n) {
  const std::uint64_t tlps = requests(address, n, p.max_payload);
  return {tlps, n + tlps * (p.tlp_framing + p.write_header)};
}

TlpCount read_requests(const PcieParams& p, std::uint64_t address, Bytes n) {
  const std::uint64_t tlps = requests(address, n, p.max_read_request);
  return {tlps, tlps * (p.tlp_framing + p.read_header)};
}

TlpCount completions(const PcieParams& p, std::uint64_t address, Bytes n) {
  const Parts s = part(address, n);
  const Bytes mrrs = p.max_read_request;
  auto of_part = [&](Bytes length, Bytes offset) {
    const std::uint64_t full = length >> std::countr_zero(mrrs);
    return full * of_request(mrrs, offset, p.max_payload) + of_request(length & (mrrs - 1), offset, p.max_payload);
  };
  std::uint64_t tlps = of_part(s.head, address & (p.read_completion_boundary - 1));
  if (s.whole | s.tail) tlps += s.whole * of_part(kBorder, 0) + of_part(s.tail, 0);
  return {tlps, n + tlps * (p.tlp_framing + p.completion_header)};
}

std::uint64_t raw_rate(const PcieParams& p) {
  constexpr std::uint64_t kGiga = 1'000'000'000;
  constexpr std::uint64_t transfers[] = {0, 5 * kGiga / 2, 5 * kGiga, 8 * kGiga, 16 * kGiga, 32 * kGiga};
  const std::uint64_t bits = transfers[p.generation] * p.lanes;
  return p.generation <= 2 ? bits / 10 * 8 : static_cast<std::uint64_t>(static_cast<unsigned __int128>(bits) * 128 / 130);
}

std::uint64_t link_rate(const PcieParams& p) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(raw_rate(p)) * (1'000'000 - p.dllp_ppm) / 1'000'000);
}

void check(const PcieParams& p) {
  if (p.generation < 1 || p.generation > 5) refuse("generation", p.generation, "1 to 5");
  const unsigned l = p.lanes;
  if (l != 1 && l != 2 && l != 4 && l != 8 && l != 12 && l != 16 && l != 32) refuse("lanes", l, "1, 2, 4, 8, 12, 16, 32");
  if (!power_of_two_in(p.max_payload, 128, 4096)) refuse("max_payload", p.max_payload, "powers of two from 128 B to 4 KiB");
  if (!power_of_two_in(p.max_read_request, 128, 4096))
    refuse("max_read_request", p.max_read_request, "powers of two from 128 B to 4 KiB");
  if (!power_of_two_in(p.read_completion_boundary, 64, 128))
    refuse("read_completion_boundary", p.read_completion_boundary, "64 B or 128 B");
  if (p.dllp_ppm >= 1'000'000) refuse("dllp_ppm", p.dllp_ppm, "below 1000000");
  const struct { const char* name; unsigned value; } counts[] = {{"posted_headers", p.posted_headers},
                                                                 {"nonposted_headers", p.nonposted_headers}, {"tags", p.tags}};
  for (const auto& c : counts)
    if (c.value < 1 || c.value > 4096) refuse(c.name, c.value, "1 to 4096");
  if (p.completion_headers > 4096) refuse("completion_headers", p.completion_headers, "0 to 4096");
  if (p.posted_buffer < 128) refuse("posted_buffer", p.posted_buffer, "128 B or more");
  const struct { const char* name; Bytes value; } headers[] = {{"tlp_framing", p.tlp_framing}, {"write_header", p.write_header},
                                                              {"read_header", p.read_header},
                                                              {"completion_header", p.completion_header}};
  for (const auto& h : headers)
    if (h.value == 0 || h.value > 64) refuse(h.name, h.value, "1 B to 64 B");
  const struct { const char* name; Time value; } times[] = {{"link_latency", p.link_latency}, {"root_latency", p.root_latency},
                                                            {"mmio_write", p.mmio_write}};
  for (const auto& t : times)
    if (t.value < 0) throw UserError(std::string("pcie.") + t.name + ": must not be negative");
}

}  // namespace gd
