#include "src/report/perfetto.h"

#include <algorithm>

#include "src/report/json_text.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

constexpr int kCores = 1, kDrops = 2, kFirstStage = 10, kFirstComponent = 100;   // process ids

std::string number_of(std::int64_t v) { return std::to_string(v); }

}  // namespace

PerfettoTrace::PerfettoTrace(const std::string& path, const TraceLimits& limits) : out_(path), limits_(limits) {
  out_.put("{\"traceEvents\":[");
}

void PerfettoTrace::event(std::string_view text) {
  out_.put(first_ ? "\n" : ",\n");
  first_ = false;
  out_.put(text);
}

void PerfettoTrace::mark(const std::string& text, Time t) {
  event("{\"ph\":\"i\",\"s\":\"g\",\"pid\":1,\"tid\":0,\"name\":" + json_string(text) + ",\"ts\":");
  out_.put_us(t);
  out_.put('}');
}

void PerfettoTrace::name(const char* what, int pid, std::int64_t tid, const std::string& text, std::int64_t sort) {
  const std::string begin = "{\"ph\":\"M\",\"pid\":" + number_of(pid) + ",\"tid\":" + number_of(tid) + ",\"name\":\"" + what;
  event(begin + "_name\",\"args\":{\"name\":" + json_string(text) + "}}");
  event(begin + "_sort_index\",\"args\":{\"sort_index\":" + number_of(sort) + "}}");
}

void PerfettoTrace::begin(const system::Topology& t) {
  name("process", kCores, 0, "cores", kCores);
  for (std::size_t i = 0; i < t.cores.size(); ++i) name("thread", kCores, static_cast<std::int64_t>(i) + 1, t.cores[i], static_cast<std::int64_t>(i));
  for (int s = 1; s < static_cast<int>(Stage::count_); ++s) name("process", kFirstStage + s, 0, std::string("frames to ") + stage_name(static_cast<Stage>(s)), kFirstStage + s);
  open_.resize(t.cores.size());
  for (const std::string& c : t.contexts) contexts_.push_back(json_string(c));
  std::vector<std::string> components;
  for (const auto& l : t.levels) {
    const auto at = std::find(components.begin(), components.end(), l.component);
    const int pid = kFirstComponent + static_cast<int>(at - components.begin());
    if (at == components.end()) {
      components.push_back(l.component);
      name("process", pid, 0, l.component, pid);
    }
    if (levels_.size() <= l.id) levels_.resize(l.id + 1);
    levels_[l.id] = {pid, json_string(l.name + (l.unit.empty() ? "" : " [" + l.unit + "]"))};
  }
}

void PerfettoTrace::core_slice(std::uint32_t core) {
  const Slice& s = open_[core];
  if (s.to < s.from) return;
  if (slices_ >= limits_.events) {
    if (slices_cut_++ == 0) mark("core slices end here", s.from);
    return;
  }
  ++slices_;
  event("{\"ph\":\"X\",\"pid\":1,\"tid\":" + number_of(core + 1) + ",\"name\":");
  out_.put(s.context < contexts_.size() ? contexts_[s.context] : json_string("context " + number_of(s.context)));
  out_.put(",\"ts\":");
  out_.put_us(s.from);
  out_.put(",\"dur\":");
  out_.put_us(s.to - s.from);
  out_.put('}');
}

void PerfettoTrace::core_busy(std::uint32_t core, std::uint32_t context, Time from, Time to) {
  if (core >= open_.size()) return;
  Slice& s = open_[core];
  if (s.to >= s.from && s.context == context && from <= s.to) {
    s.to = std::max(s.to, to);
    return;
  }
  core_slice(core);
  s = {context, from, to};
}

void PerfettoTrace::level(std::uint32_t id, std::int64_t value, Time t) {
  if (id >= levels_.size() || levels_[id].name.empty()) return;
  if (changes_ >= limits_.events) {
    if (changes_cut_++ == 0) mark("levels end here", t);
    return;
  }
  ++changes_;
  event("{\"ph\":\"C\",\"pid\":" + number_of(levels_[id].pid) + ",\"name\":");
  out_.put(levels_[id].name);
  out_.put(",\"ts\":");
  out_.put_us(t);
  out_.put(",\"args\":{\"value\":");
  out_.put(value);
  out_.put("}}");
}

std::size_t PerfettoTrace::lane(int stage, Time from, Time to) {
  std::vector<Time>& ends = lanes_[stage];
  for (std::size_t i = 0; i < ends.size(); ++i)
    if (ends[i] <= from) {
      ends[i] = to;
      return i;
    }
  if (ends.size() == kLanes) return kLanes;
  ends.push_back(to);
  const auto n = static_cast<std::int64_t>(ends.size());
  name("thread", kFirstStage + stage, n, std::string("to ") + stage_name(static_cast<Stage>(stage)) + " (lane " + number_of(n) + ")", n);
  return ends.size() - 1;
}

void PerfettoTrace::flow(char phase, std::uint64_t frame, int pid, std::size_t tid, Time t) {
  event("{\"ph\":\"");
  out_.put(phase);
  out_.put(phase == 'f' ? "\",\"bp\":\"e\",\"cat\":\"frame\",\"name\":\"frame\",\"id\":" : "\",\"cat\":\"frame\",\"name\":\"frame\",\"id\":");
  out_.put(static_cast<std::int64_t>(frame));
  out_.put(",\"pid\":");
  out_.put(std::int64_t{pid});
  out_.put(",\"tid\":");
  out_.put(static_cast<std::int64_t>(tid));
  out_.put(",\"ts\":");
  out_.put_us(t);
  out_.put('}');
}

void PerfettoTrace::ended(const FrameMeta& f, Drop why, Time t) {
  if (f.id >= limits_.frames && (limits_.sample == 0 || (f.id - limits_.frames) % limits_.sample != 0)) {
    if (frames_cut_++ == 0) mark(limits_.sample == 0 ? "frames end here" : "from here on every " + std::to_string(limits_.sample) + "th frame", f.at[0]);
    return;
  }
  ++frames_;
  struct Span {
    int pid;
    std::size_t tid;
    Time from;
  };
  Span spans[static_cast<int>(Stage::count_)];
  int n = 0;
  Time last = f.at[0];
  for (int s = 1; s < static_cast<int>(Stage::count_); ++s) {
    if (f.at[s] == 0) continue;
    const Time to = std::max(last, f.at[s]);
    const std::size_t at = lane(s, last, to);
    if (at == kLanes) {
      ++spans_cut_;
    } else {
      ++spans_;
      spans[n++] = {kFirstStage + s, at + 1, last};
      event("{\"ph\":\"X\",\"pid\":" + number_of(kFirstStage + s) + ",\"tid\":" + number_of(static_cast<std::int64_t>(at) + 1) + ",\"name\":\"frame " + std::to_string(f.id) + "\",\"ts\":");
      out_.put_us(last);
      out_.put(",\"dur\":");
      out_.put_us(to - last);
      out_.put(",\"args\":{\"flow\":" + std::to_string(f.flow) + ",\"bytes\":" + std::to_string(f.length) + "}}");
    }
    last = to;
  }
  for (int i = 0; i < n && n > 1; ++i) flow(i == 0 ? 's' : i + 1 == n ? 'f' : 't', f.id, spans[i].pid, spans[i].tid, spans[i].from);
  if (f.fate != Fate::dropped) return;
  if (!drops_named_) name("process", kDrops, 0, "drops", kDrops);
  drops_named_ = true;
  event("{\"ph\":\"i\",\"s\":\"p\",\"pid\":2,\"tid\":1,\"name\":\"" + std::string(drop_name(why)) + "\",\"ts\":");
  out_.put_us(t);
  out_.put(",\"args\":{\"frame\":" + std::to_string(f.id) + "}}");
}

void PerfettoTrace::finish(Time end) {
  for (std::uint32_t core = 0; core < open_.size(); ++core) core_slice(core);
  const auto both = [](std::uint64_t written, std::uint64_t cut) { return "{\"shown\":" + std::to_string(written) + ",\"left_out\":" + std::to_string(cut) + "}"; };
  out_.put("\n],\"displayTimeUnit\":\"ns\",\"otherData\":{\"simulated_ps\":" + number_of(end) + ",\"frames\":" + both(frames_, frames_cut_) +
           ",\"stage_slices\":" + both(spans_, spans_cut_) + ",\"core_slices\":" + both(slices_, slices_cut_) + ",\"level_changes\":" + both(changes_, changes_cut_) + "}}\n");
  out_.close();
}

std::string PerfettoTrace::left_out() const {
  std::string out;
  const struct { const char* what; std::uint64_t shown, cut; } parts[] = {
      {"frames", frames_, frames_cut_}, {"stage slices", spans_, spans_cut_}, {"core slices", slices_, slices_cut_}, {"level changes", changes_, changes_cut_}};
  for (const auto& p : parts)
    if (p.cut != 0) out += (out.empty() ? "" : ", ") + grouped(static_cast<std::int64_t>(p.cut)) + " of " + grouped(static_cast<std::int64_t>(p.shown + p.cut)) + " " + p.what;
  return out.empty() ? out : "trace.json leaves out " + out;
}

}  // namespace gd::report
