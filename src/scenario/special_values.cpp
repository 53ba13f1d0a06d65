// Values of the key table that are no scalars: frame sizes, loops, curves, core lists, addresses.
#include <algorithm>

#include "src/scenario/reader.h"
#include "src/scenario/units.h"

namespace gd::scenario {

namespace {

Scenario& in(void* object) { return *static_cast<Scenario*>(object); }
const Scenario& in(const void* object) { return *static_cast<const Scenario*>(object); }

std::string item(const std::string& path, std::size_t i) { return path + "." + std::to_string(i); }

bool frame_length(Reader& r, const Node& n, const std::string& path, std::uint64_t& bytes) {
  const char* allowed = "a whole number of bytes from 64 to 9026, FCS included";
  if (n.kind == Kind::string) {
    r.fail(n, path, "expected a number without unit, found \"" + n.text + "\"", allowed);
    return false;
  }
  if (!r.whole_number(n, path, bytes, allowed)) return false;
  if (bytes < 64 || bytes > 9026) {
    r.fail(n, path, n.text + (bytes < 64 ? " is too small" : " is too large"), allowed);
    return false;
  }
  return true;
}

}  // namespace

Special read_frame_bytes() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void* object) {
    std::vector<FrameSize> sizes;
    if (n.kind != Kind::array) {
      FrameSize one;
      if (frame_length(r, n, path, one.bytes)) in(object).traffic.frame_bytes = {one};
      return;
    }
    if (n.children.empty()) return r.fail(n, path, "the list is empty", "at least one {bytes, weight}");
    for (std::size_t i = 0; i < n.children.size(); ++i) {
      const Node& entry = n.children[i];
      const std::string at = item(path, i);
      if (!r.expect(entry, at, Kind::object, "{\"bytes\": 64, \"weight\": 7}")) continue;
      FrameSize f;
      bool bytes = false;
      for (const Node& c : entry.children) {
        if (c.key == "bytes") bytes = frame_length(r, c, at + ".bytes", f.bytes);
        else if (c.key == "weight") {
          const char* allowed = "a whole number from 1 to 1000000";
          if (r.whole_number(c, at + ".weight", f.weight, allowed) && (f.weight < 1 || f.weight > 1'000'000))
            r.fail(c, at + ".weight", c.text + " is out of range", allowed);
        } else {
          r.fail(c, at + "." + c.key, "unknown key \"" + c.key + "\"", "bytes, weight", nearest(c.key, {"bytes", "weight"}));
        }
      }
      if (entry.find("bytes") == nullptr) r.fail(entry, at, "has no bytes", "{\"bytes\": 64, \"weight\": 7}");
      if (bytes) sizes.push_back(f);
    }
    if (!sizes.empty()) in(object).traffic.frame_bytes = sizes;
  };
  s.write = [](const void* object) -> Json {
    const auto& sizes = in(object).traffic.frame_bytes;
    if (sizes.size() == 1) return sizes[0].bytes;
    Json out = Json::array();
    for (const FrameSize& f : sizes) out.push_back({{"bytes", f.bytes}, {"weight", f.weight}});
    return out;
  };
  s.schema = Json::parse(
      R"({"oneOf":[{"type":"integer","minimum":64,"maximum":9026},{"type":"array","minItems":1,"items":{"type":"object",
    "additionalProperties":false,"required":["bytes"],"properties":{"bytes":{"type":"integer","minimum":64,"maximum":9026},
    "weight":{"type":"integer","minimum":1,"maximum":1000000}}}}]})");
  return s;
}

Special read_loop() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void* object) {
    const char* allowed = "false, true, or how often the capture is repeated after its first pass";
    Count loop = 0;
    if (n.kind == Kind::boolean) loop = n.flag ? kForever : 0;
    else if (!r.whole_number(n, path, loop, allowed)) return;
    else if (loop == 0) return r.fail(n, path, "0 is too small", allowed);
    in(object).traffic.loop = loop;
  };
  s.write = [](const void* object) -> Json {
    const Count loop = in(object).traffic.loop;
    if (loop == 0) return false;
    if (loop == kForever) return true;
    return loop;
  };
  s.schema = Json::parse(R"({"oneOf":[{"type":"boolean"},{"type":"integer","minimum":1}]})");
  return s;
}

Special read_loaded_latency() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void* object) {
    const std::string allowed =
        "a list of [share, time] that ascends from \"0%\" to \"100%\", as in [[\"0%\", \"0ns\"], [\"100%\", \"60ns\"]]";
    if (!r.expect(n, path, Kind::array, allowed)) return;
    std::vector<LoadPoint> curve;
    for (std::size_t i = 0; i < n.children.size(); ++i) {
      const Node& pair = n.children[i];
      const std::string at = item(path, i);
      if (!r.expect(pair, at, Kind::array, "[share, time]")) return;
      if (pair.children.size() != 2)
        return r.fail(pair, at, "has " + std::to_string(pair.children.size()) + " items instead of 2", "[share, time]");
      LoadPoint p;
      std::uint64_t added = 0;
      if (!r.quantity(pair.children[0], at + ".0", Type::share, p.load) ||
          !r.quantity(pair.children[1], at + ".1", Type::time, added))
        return;
      p.added = static_cast<Time>(added);
      if (!curve.empty() && (p.load <= curve.back().load || p.added < curve.back().added))
        return r.fail(pair, at, "does not ascend", allowed);
      curve.push_back(p);
    }
    if (curve.size() < 2 || curve.front().load != 0 || curve.back().load != 1'000'000)
      return r.fail(n, path, "does not run from 0% to 100%", allowed);
    in(object).memory.dram.loaded_latency = curve;
  };
  s.write = [](const void* object) -> Json {
    Json out = Json::array();
    for (const LoadPoint& p : in(object).memory.dram.loaded_latency)
      out.push_back({format_quantity(Type::share, p.load), format_quantity(Type::time, static_cast<std::uint64_t>(p.added))});
    return out;
  };
  s.schema = {{"type", "array"},
              {"minItems", 2},
              {"items",
               {{"type", "array"},
                {"minItems", 2},
                {"maxItems", 2},
                {"items", Json::array({{{"type", "string"}, {"pattern", quantity_pattern(Type::share)}},
                                       {{"type", "string"}, {"pattern", quantity_pattern(Type::time)}}})}}}};
  return s;
}

Special read_core_list() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void* object) {
    const char* allowed = "a core number, or a list of core numbers";
    std::vector<Count> cores;
    if (n.kind == Kind::array) {
      if (n.children.empty()) return r.fail(n, path, "the list is empty", allowed);
      for (std::size_t i = 0; i < n.children.size(); ++i) {
        Count c = 0;
        if (!r.whole_number(n.children[i], item(path, i), c, allowed)) return;
        cores.push_back(c);
      }
    } else {
      Count c = 0;
      if (!r.whole_number(n, path, c, allowed)) return;
      cores = {c};
    }
    in(object).host.affinity.vcpu = cores;
  };
  s.write = [](const void* object) -> Json {
    const auto& cores = in(object).host.affinity.vcpu;
    return cores.size() == 1 ? Json(cores[0]) : Json(cores);
  };
  s.schema = Json::parse(
      R"({"oneOf":[{"type":"integer","minimum":0},{"type":"array","minItems":1,"items":{"type":"integer","minimum":0}}]})");
  return s;
}

Special read_mac() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void* object) {
    const char* allowed = "a unicast address as in \"52:54:00:00:00:01\"";
    if (!r.expect(n, path, Kind::string, allowed)) return;
    Mac mac{};
    bool ok = n.text.size() == 17;
    for (std::size_t i = 0; ok && i < 17; ++i) {
      const char c = n.text[i];
      if (i % 3 == 2) {
        ok = c == ':';
        continue;
      }
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      ok = digit >= 0;
      mac[i / 3] = static_cast<std::uint8_t>(mac[i / 3] << 4 | (digit & 15));
    }
    if (!ok) return r.fail(n, path, "\"" + n.text + "\" is not a MAC address", allowed);
    if (mac[0] & 1) return r.fail(n, path, "\"" + n.text + "\" is a group address", allowed);
    if (mac == Mac{}) return r.fail(n, path, "the address is zero", allowed);
    static_cast<Guest*>(object)->mac = mac;
  };
  s.write = [](const void* object) -> Json {
    const auto& mac = static_cast<const Guest*>(object)->mac;
    if (!mac) return nullptr;
    std::string out;
    for (std::uint8_t b : *mac) {
      if (!out.empty()) out.push_back(':');
      out.push_back("0123456789abcdef"[b >> 4]);
      out.push_back("0123456789abcdef"[b & 15]);
    }
    return out;
  };
  s.schema = {{"type", "string"}, {"pattern", "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$"}};
  return s;
}

Special read_version() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void* object) {
    std::uint64_t v = 0;
    if (!r.whole_number(n, path, v, "1")) return;
    if (v != 1) return r.fail(n, path, "this program reads version 1, not " + n.text, "1");
    in(object).version = v;
  };
  s.write = [](const void* object) -> Json { return in(object).version; };
  s.schema = {{"type", "integer"}, {"enum", {1}}};
  return s;
}

Special read_strings() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void*) {
    if (!r.expect(n, path, Kind::object, "an object of strings")) return;
    for (const Node& c : n.children) r.expect(c, path + "." + c.key, Kind::string, "a string");
  };
  s.schema = {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  return s;
}

Special read_inputs() {
  Special s = read_strings();
  s.write = [](const void* object) -> Json {
    Json out = Json::object();
    for (const InputFile& f : in(object).inputs)
      if (f.key != "host.costs") out[f.key] = f.sha256;
    return out.empty() ? Json(nullptr) : out;
  };
  return s;
}

Special read_extends() {
  Special s;
  s.schema = Json::parse(R"({"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]})");
  return s;
}

}  // namespace gd::scenario
