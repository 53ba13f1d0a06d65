// Reads a merged tree into a Scenario by the key table, collecting mistakes.
#pragma once
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "src/scenario/loader.h"
#include "src/scenario/table.h"
#include "src/scenario/text.h"

namespace gd::scenario {

class Reader {
 public:
  Reader(Scenario& scenario, const LoadOptions& options, Mistakes& mistakes)
      : scenario_(scenario), options_(options), mistakes_(mistakes) {}

  void read(const Node& root);

  // A mistake about `node`; `path` is dotted.
  void fail(const Node& node, std::string_view path, const std::string& what, const std::string& allowed = {},
            const std::string& near = {});
  // The same, pointing at the name of a member.
  void fail_key(const Node& node, std::string_view path, const std::string& what, const std::string& allowed,
                const std::string& near);
  // The same about a key that may be a default: told at the first of `paths` that the user wrote, else at the enclosing object.
  void fail_at(const std::vector<std::string>& paths, const std::string& what, const std::string& allowed = {});
  // "expected X, found Y" unless the node is of that kind.
  bool expect(const Node& node, std::string_view path, Kind kind, const std::string& allowed);

  // Scalars; false and a mistake when the node holds none.
  bool whole_number(const Node& node, std::string_view path, std::uint64_t& value, const std::string& allowed);
  bool quantity(const Node& node, std::string_view path, Type type, std::uint64_t& value);
  // One key of the table.
  void key(const Row& row, const Node& node, const std::string& path, void* object);
  // A metric of a guest, in a line or a search: whether there is one is told when all of the scenario is read.
  void guest_metric(const Node& node, const std::string& path, const std::string& metric) { guest_metrics_.push_back({node, path, metric}); }
  // Whether the user wrote this key.
  bool wrote(std::string_view path) const { return places_.find(path) != places_.end(); }
  void mark(const std::string& path, const Node& node);

  Scenario& scenario() { return scenario_; }
  const LoadOptions& options() const { return options_; }
  Mistakes& mistakes() { return mistakes_; }

 private:
  void object(const Node& node, const std::string& pattern, const std::string& path, void* target);
  void guests(const Node& node);
  void cross_check();  // impossible sets
  void check_device();
  void check_traffic();
  void check_faults();
  void check_dma_bench();
  void check_guests();
  void check_guest_metrics();
  void check_virtio(std::size_t guest);
  void check_memory();

  Scenario& scenario_;
  const LoadOptions& options_;
  Mistakes& mistakes_;
  std::map<std::string, Place, std::less<>> places_;
  struct GuestMetric {
    Node node;
    std::string path, metric;
  };
  std::vector<GuestMetric> guest_metrics_;
};

// "guests.0.vlan" -> "/guests/0/vlan".
std::string pointer(std::string_view path);

// The values that are no scalars (special_*.cpp).
Special read_strategies();
Special read_expect();
// One line of `expect` (a string); false and a mistake when it is none.
bool read_expectation(Reader& r, const Node& n, const std::string& path, Expectation& e);
Special read_sweep();
Special read_costs();
Special read_frame_bytes();
Special read_loop();
Special read_loaded_latency();
Special read_core_list();
Special read_mac();
Special read_strings();  // "sources": an object of strings, kept nowhere
Special read_inputs();
Special read_extends();
Special read_version();

// Path of a file named in a scenario: absolute, or relative to the file that names it.
std::string resolve_path(const Node& node);
// An existing file `name`, looked up beside the file that names it, then in the share folder (`sub`/NAME, and NAME with
// `.json` there); "" when there is none. `tried` lists the places.
std::string look_up(const Node& node, const LoadOptions& options, const std::string& sub, std::vector<std::string>& tried);
// A longer scenario, profile or list of points is taken for something else: the longest shipped text is below 1 MiB.
constexpr std::size_t kMostText = 64 << 20;   // bytes
// Everything up to the end; nothing when that cannot be read, or is more than `most` bytes.
std::optional<std::string> read_all(std::istream& in, std::size_t most = kMostText);
// The whole file; nothing when it cannot be read, or is longer than `most` bytes.
std::optional<std::string> read_file(const std::string& path, std::size_t most = kMostText);
// All of `path`, which should be `wanted` ("a scenario"); "-": of `in`, standard input. Throws ScenarioError when that cannot be read.
std::string read_text(const std::string& path, const std::string& wanted, std::istream& in);

}  // namespace gd::scenario
