// The key table from the inside: a row holds what reader, writer and schema need of a key. Section files fill it with
// one call a key:  t.count("nic.ring_size", AT(nic.ring_size), {8, 8192, 8}, "what it is", "where the default is from");
#pragma once
#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "src/scenario/keys.h"
#include "src/scenario/text.h"

namespace gd::scenario {

using Json = nlohmann::ordered_json;
class Reader;

// What a number may be, in base units.
struct Rule {
  std::uint64_t min = 0, max = INT64_MAX;
  std::uint64_t multiple_of = 1;
  bool power_of_two = false;
  std::vector<std::uint64_t> one_of = {};
};

// For keys whose value is no scalar. `object` is the Scenario or the Guest.
struct Special {
  std::function<void(Reader&, const Node&, const std::string& path, void* object)> read;
  std::function<Json(const void* object)> write;  // null: absent
  Json schema;                                    // type and form; description and default are added
};

struct Row {
  KeyInfo info;
  Type type = Type::other;
  Rule rule;
  std::vector<std::string> choices;
  bool of_guest = false;                                         // the object is a Guest
  bool hashed = true;                                            // belongs to config_sha256
  bool resolved = true;                                          // written by resolved()
  std::function<std::optional<std::uint64_t>(const void*)> get;  // numbers, booleans, choices
  std::function<void(void*, std::uint64_t)> set;
  std::function<std::string&(void*)> text;  // strings and paths
  Special special;

  // The value as JSON; null when absent.
  Json write(const void* object) const;
  // Type and form of the value as a schema, with description and default.
  Json schema() const;
};

class Table {
 public:
  template <class F>
  Row& count(std::string path, F at, Rule rule, const char* text, const char* source = "") {
    return number(Type::count, std::move(path), at, std::move(rule), text, source);
  }
  template <class F>
  Row& size(std::string path, F at, Rule rule, const char* text, const char* source = "") {
    return number(Type::size, std::move(path), at, std::move(rule), text, source);
  }
  template <class F>
  Row& time(std::string path, F at, Rule rule, const char* text, const char* source = "") {
    return number(Type::time, std::move(path), at, std::move(rule), text, source);
  }
  template <class F>
  Row& rate(std::string path, F at, Rule rule, const char* text, const char* source = "") {
    return number(Type::rate, std::move(path), at, std::move(rule), text, source);
  }
  template <class F>
  Row& frequency(std::string path, F at, Rule rule, const char* text, const char* source = "") {
    return number(Type::frequency, std::move(path), at, std::move(rule), text, source);
  }
  template <class F>
  Row& share(std::string path, F at, Rule rule, const char* text, const char* source = "") {
    return number(Type::share, std::move(path), at, std::move(rule), text, source);
  }
  template <class F>
  Row& boolean(std::string path, F at, const char* text, const char* source = "") {
    return number(Type::boolean, std::move(path), at, {0, 1}, text, source);
  }
  // `choices` in the order of the enum's values; a string member holds the name itself.
  template <class F>
  Row& choice(std::string path, F at, std::vector<std::string> choices, const char* text, const char* source = "") {
    using Object = std::conditional_t<std::is_invocable_v<F, Guest&>, Guest, Scenario>;
    const std::uint64_t last = choices.size() - 1;
    if constexpr (std::is_same_v<std::invoke_result_t<F, Object&>, std::string&>) {
      Row& r = row(Type::choice, std::move(path), text, source, std::is_same_v<Object, Guest>);
      r.rule.max = last;
      r.get = [at, choices](const void* o) -> std::optional<std::uint64_t> {
        const std::string& name = at(*const_cast<Object*>(static_cast<const Object*>(o)));
        return static_cast<std::uint64_t>(std::find(choices.begin(), choices.end(), name) - choices.begin());
      };
      r.set = [at, choices](void* o, std::uint64_t value) { at(*static_cast<Object*>(o)) = choices.at(value); };
      r.choices = std::move(choices);
      return r;
    } else {
      Row& r = number(Type::choice, std::move(path), at, {0, last}, text, source);
      r.choices = std::move(choices);
      return r;
    }
  }
  template <class F>
  Row& string(std::string path, F at, const char* text, const char* source = "") {
    return words(Type::string, std::move(path), at, text, source);
  }
  template <class F>
  Row& path(std::string path, F at, const char* text, const char* source = "") {
    return words(Type::path, std::move(path), at, text, source);
  }
  Row& other(std::string path, Special special, const char* allowed, const char* text, const char* source = "",
             bool of_guest = false);

  // Fills in defaults and allowed values; once, after the last row.
  void finish();
  const std::vector<Row>& rows() const { return rows_; }

 private:
  Row& row(Type type, std::string path, const char* text, const char* source, bool of_guest);

  // `at` maps the object to the member: an integer, an enum, a bool, or an optional integer.
  template <class Object, class F>
  void bind(Row& r, F at) {
    r.get = [at](const void* o) -> std::optional<std::uint64_t> {
      const auto& v = at(*const_cast<Object*>(static_cast<const Object*>(o)));
      if constexpr (requires { v.has_value(); })
        return v.has_value() ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(*v)) : std::nullopt;
      else return static_cast<std::uint64_t>(v);
    };
    r.set = [at](void* o, std::uint64_t value) {
      auto& v = at(*static_cast<Object*>(o));
      if constexpr (requires { v.has_value(); }) v = value;
      else v = static_cast<std::remove_reference_t<decltype(v)>>(value);
    };
  }
  template <class F>
  Row& number(Type type, std::string path, F at, Rule rule, const char* text, const char* source) {
    constexpr bool guest = std::is_invocable_v<F, Guest&>;
    Row& r = row(type, std::move(path), text, source, guest);
    r.rule = std::move(rule);
    bind<std::conditional_t<guest, Guest, Scenario>>(r, at);
    return r;
  }
  template <class F>
  Row& words(Type type, std::string path, F at, const char* text, const char* source) {
    constexpr bool guest = std::is_invocable_v<F, Guest&>;
    Row& r = row(type, std::move(path), text, source, guest);
    r.text = [at](void* o) -> std::string& { return at(*static_cast<std::conditional_t<guest, Guest, Scenario>*>(o)); };
    return r;
  }
  std::vector<Row> rows_;
};

#define AT(member) \
  [](Scenario & s) -> auto& { return s.member; }
#define GUEST(member) \
  [](Guest & g) -> auto& { return g.member; }

// The sections, in the order of the table.
void general_keys(Table& t);
void time_keys(Table& t);
void traffic_keys(Table& t);
void nic_keys(Table& t);
void bus_keys(Table& t);
void memory_keys(Table& t);
void host_keys(Table& t);
void consumer_keys(Table& t);
void vhost_keys(Table& t);
void defences_keys(Table& t);
void guest_keys(Table& t);
void behaviour_keys(Table& t);
void last_keys(Table& t);

const Table& table();
// The row of a pattern ("guests[].vlan"), or nullptr.
const Row* find_row(std::string_view pattern);
// "guests.0.vlan" -> "guests[].vlan"; "" for what is no path ("guests[].vlan").
std::string pattern_of(std::string_view path);
// Names directly below a section pattern ("" = top level).
std::vector<std::string> names_below(std::string_view section);
// Whether some key lies below `pattern`.
bool is_section(std::string_view pattern);
// What the rule allows, in words.
std::string allowed_text(const Row& row);
// "" when `value` obeys, else what is wrong with it.
std::string check_rule(const Row& row, std::uint64_t value);
// A number of the row's type as canonical text.
std::string number_text(const Row& row, std::uint64_t value);

}  // namespace gd::scenario
