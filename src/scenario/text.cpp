#include "src/scenario/text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace gd::scenario {

namespace {

using Sax = nlohmann::json;
constexpr std::size_t kDepth = 32;

// Builds the tree from the parser's events. The parser (nlohmann 3.11) tells no positions: the place of each token is
// found by following the text, which at every event holds exactly that token next.
class Builder : public nlohmann::json_sax<Sax> {
 public:
  Builder(std::shared_ptr<const Source> source, Mistakes& mistakes)
      : source_(std::move(source)), text_(source_->text), mistakes_(mistakes) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") cursor_ = 3;
  }

  bool null() override { return leaf(Kind::null, "", false); }
  bool boolean(bool v) override { return leaf(Kind::boolean, "", v); }
  bool number_integer(number_integer_t) override { return number(); }
  bool number_unsigned(number_unsigned_t) override { return number(); }
  bool number_float(number_float_t, const string_t&) override { return number(); }
  bool string(string_t& v) override { return leaf(Kind::string, v, false); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Kind::object); }
  bool start_array(std::size_t) override { return open(Kind::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const Place place = token();
    Node& object = *stack_.back();
    if (const Node* first = object.find(name)) {
      mistakes_.add(diagnostic(place, path() + "/" + name, "duplicate key; first at " + first->key_place.position().text()));
    }
    object.children.emplace_back();
    object.children.back().key = name;
    object.children.back().key_place = place;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    failed_ = true;
    if (text_.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      mistakes_.add(diagnostic(Place{source_, 0, 1}, "", "the file is empty; a JSON object is expected"));
      return false;
    }
    std::string what = e.what();
    if (const std::size_t at = what.find("syntax error"); at != std::string::npos) what = what.substr(at);
    else if (const std::size_t bracket = what.find("] "); bracket != std::string::npos) what = what.substr(bracket + 2);
    if (const std::size_t read = what.find("; last read: '"); read != std::string::npos) {
      const std::size_t end = what.find("'; expected", read);
      what = what.substr(0, read) + (end == std::string::npos ? "" : what.substr(end + 1));
    }
    // The token that the parser read last.
    Place place = token(true);
    while (place.end < position && place.end < text_.size()) place = token(true);
    mistakes_.add(diagnostic(place, "", what));
    return false;
  }

  bool failed() const { return failed_; }
  Node take() { return std::move(root_); }

 private:
  // The next token, over blanks and comments, and over commas and colons unless these are wanted as tokens.
  Place token(bool separators = false) {
    const std::string_view skipped = separators ? " \t\r\n" : " \t\r\n,:";
    for (;;) {
      cursor_ = std::min(text_.find_first_not_of(skipped, cursor_), text_.size());
      if (text_.substr(cursor_, 2) == "//") cursor_ = std::min(text_.find('\n', cursor_), text_.size());
      else if (text_.substr(cursor_, 2) == "/*") cursor_ = std::min(text_.find("*/", cursor_), text_.size() - 2) + 2;
      else break;
    }
    const std::size_t begin = cursor_;
    if (begin == text_.size()) return Place{source_, begin, begin};
    if (text_[begin] == '"') {
      for (++cursor_; cursor_ < text_.size() && text_[cursor_] != '"'; ++cursor_)
        if (text_[cursor_] == '\\') ++cursor_;
      cursor_ = std::min(cursor_ + 1, text_.size());
    } else {
      cursor_ = std::min(text_.find_first_of(" \t\r\n,:{}[]/\"", cursor_), text_.size());
      if (cursor_ == begin) ++cursor_;
    }
    return Place{source_, begin, cursor_};
  }

  Node& next() {
    if (stack_.empty()) return root_;
    Node& top = *stack_.back();
    if (top.kind == Kind::array) top.children.emplace_back();
    return top.children.back();
  }

  bool leaf(Kind kind, std::string text, bool flag) {
    Node& n = next();
    n.kind = kind, n.text = std::move(text), n.flag = flag;
    n.place = token();
    return true;
  }

  bool number() {
    leaf(Kind::number, "", false);
    Node& n = stack_.empty() ? root_ : stack_.back()->children.back();
    n.text = std::string(text_.substr(n.place.begin, n.place.end - n.place.begin));
    return true;
  }

  bool open(Kind kind) {
    Node& n = next();
    n.kind = kind;
    n.place = token();
    stack_.push_back(&n);
    if (stack_.size() <= kDepth) return true;
    mistakes_.add(diagnostic(n.place, "", "nested deeper than " + std::to_string(kDepth) + " levels"));
    failed_ = true;
    return false;
  }

  bool close() {
    stack_.back()->place.end = token().end;
    stack_.pop_back();
    return true;
  }

  std::string path() const {
    std::string out;
    for (std::size_t i = 1; i < stack_.size(); ++i) {
      const Node& up = *stack_[i - 1];
      out += "/" + (up.kind == Kind::array ? std::to_string(up.children.size() - 1) : stack_[i]->key);
    }
    return out;
  }

  std::shared_ptr<const Source> source_;
  std::string_view text_;
  Mistakes& mistakes_;
  std::size_t cursor_ = 0;
  Node root_;
  std::vector<Node*> stack_;  // open containers; the last child of each is the one that is being filled
  bool failed_ = false;
};

}  // namespace

Position Source::position(std::size_t offset) const {
  Position p{name, 0, 0};
  if (command_line) return p;
  offset = std::min(offset, text.size());
  std::size_t start = 0;
  p.line = 1;
  for (std::size_t end; (end = text.find('\n', start)) < offset; start = end + 1) ++p.line;   // npos is none
  p.column = static_cast<unsigned>(offset - start + 1);
  return p;
}

std::string Source::line(std::size_t offset) const {
  if (command_line) return {};
  offset = std::min(offset, text.size());
  const std::size_t start = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
  std::string out = text.substr(start, std::min(text.find('\n', start), text.size()) - start);
  if (!out.empty() && out.back() == '\r') out.pop_back();
  return out;
}

Diagnostic diagnostic(const Place& place, std::string path, std::string message, std::string allowed, std::string near) {
  Diagnostic d;
  d.at = place.position();
  d.path = std::move(path), d.message = std::move(message), d.allowed = std::move(allowed), d.nearest = std::move(near);
  if (place.source) d.line = place.source->line(place.begin);
  d.width = static_cast<unsigned>(std::max<std::size_t>(place.end - place.begin, 1));
  return d;
}

Node* Node::find(std::string_view name) {
  if (kind != Kind::object) return nullptr;
  for (Node& c : children)
    if (c.key == name) return &c;
  return nullptr;
}

const char* kind_name(Kind k) {
  constexpr const char* kNames[] = {"null", "true or false", "a number", "a string", "a list", "an object"};
  return kNames[static_cast<int>(k)];
}

std::optional<Node> parse(std::shared_ptr<const Source> source, Mistakes& mistakes) {
  Builder builder(source, mistakes);
  const bool ok = Sax::sax_parse(source->text, &builder, Sax::input_format_t::json, true, true);
  if (!ok || builder.failed()) return std::nullopt;
  // The parser takes a NUL for the end of the text.
  if (const std::size_t nul = source->text.find('\0'); nul != std::string::npos) {
    mistakes.add(diagnostic(Place{source, nul, nul + 1}, "", "syntax error: a NUL byte, which no JSON text has"));
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace gd::scenario
