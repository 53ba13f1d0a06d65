#include "src/report/traces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "models/base/error.h"
#include "src/report/results.h"
#include "src/report/time_order.h"
#include "tests/report/made_up.h"

namespace gd::report {
namespace traces_test {

using Json = nlohmann::json;
using testing::HasSubstr;

std::string traced(const std::string& kind, unsigned frames, const TraceLimits& limits = {}) {
  std::string folder = testing::TempDir() + "traces-XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  const Traces t = make_traces({kind}, folder, limits);
  made_up::play(*t.at(0), frames);
  return folder;
}

TEST(TraceKinds, AreNamed) {
  EXPECT_EQ(parse_trace_kinds("pcap,vcd,pcap"), (std::vector<std::string>{"vcd", "pcap"}));
  try {
    parse_trace_kinds("vcd,perfeto");
    FAIL();
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(), "there is no trace kind \"perfeto\"; allowed: perfetto, vcd, csv, pcap; did you mean perfetto?");
  }
  EXPECT_THROW(parse_trace_kinds(""), UserError);
  EXPECT_THROW(make_traces({"vcd"}, "/no/such/folder"), UserError);
}

TEST(TimeOrder, SortsAndIsBounded) {
  TimeOrder<int> order(100, 4);
  std::vector<std::pair<Time, int>> out;
  const auto give = [&](Time t, int v) { out.emplace_back(t, v); };
  for (const auto& [t, v] : std::vector<std::pair<Time, int>>{{10, 1}, {5, 2}, {10, 3}, {7, 4}, {20, 5}, {200, 6}, {3, 7}}) order.add(t, v, give);
  order.drain(give);
  EXPECT_EQ(out, (std::vector<std::pair<Time, int>>{{5, 2}, {7, 4}, {10, 1}, {10, 3}, {20, 5}, {20, 7}, {200, 6}}));
  EXPECT_EQ(order.late(), 1u);
}

// The whole grammar that a viewer needs: declarations, then times that rise and values of declared width.
TEST(Vcd, IsStrictlyWellFormed) {
  std::istringstream in(read_file(traced("vcd", 500) + "/waves.vcd"));
  std::string word;
  std::map<std::string, unsigned> width;
  std::map<std::string, std::string> names;
  int depth = 0;
  bool timescale = false;
  while (in >> word && word != "$enddefinitions") {
    std::vector<std::string> body;
    const std::string head = word;
    while (in >> word && word != "$end") body.push_back(word);
    ASSERT_EQ(word, "$end");
    if (head == "$scope") {
      EXPECT_EQ(body.size(), 2u);
      ++depth;
    } else if (head == "$upscope") {
      --depth;
    } else if (head == "$timescale") {
      timescale = body == std::vector<std::string>{"1", "ps"};
    } else if (head == "$var") {
      ASSERT_EQ(body.size(), 5u);
      EXPECT_EQ(body[0], "reg");
      EXPECT_GT(depth, 1);
      EXPECT_TRUE(width.emplace(body[2], std::stoul(body[1])).second) << "code used twice";
      names[body[3]] = body[2];
      EXPECT_EQ(body[4], "[" + std::to_string(std::stoul(body[1]) - 1) + ":0]");
    } else {
      EXPECT_TRUE(head == "$version" || head == "$comment") << head;
    }
  }
  EXPECT_EQ(depth, 0);
  EXPECT_TRUE(timescale);
  EXPECT_EQ(width.size(), 5u);
  EXPECT_EQ(width[names["fifo"]], 64u);
  ASSERT_TRUE(in >> word && word == "$end");
  Time now = -1;
  std::size_t changes = 0;
  std::set<std::string> fifo;
  while (in >> word) {
    if (word[0] == '#') {
      const Time t = std::stoll(word.substr(1));
      EXPECT_GT(t, now);
      now = t;
    } else if (word[0] == 'b') {
      EXPECT_EQ(word.find_first_not_of("01", 1), std::string::npos);
      const std::string bits = word.substr(1);
      ASSERT_TRUE(in >> word);
      ASSERT_EQ(width.count(word), 1u) << word;
      EXPECT_LE(bits.size(), width[word]);
      if (word == names["fifo"]) fifo.insert(bits);
      ++changes;
    } else {
      EXPECT_TRUE(word == "$dumpvars" || word == "$end") << word;
    }
  }
  EXPECT_GT(changes, 500u);
  EXPECT_EQ(fifo.size(), 3u);
  EXPECT_EQ(now, 1000 + 499 * 1200 * kNs + 499 % 7 + 2 * kMs);
}

// A long run ends where the limit is: what follows is unknown, counted, and said.
TEST(Vcd, EndsAtItsLimit) {
  std::string folder = testing::TempDir() + "traces-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const Traces t = make_traces({"vcd", "perfetto"}, folder, TraceLimits::of_frames(10));
  for (const auto& one : t) made_up::play(*one, 1000);
  const std::string text = read_file(folder + "/waves.vcd");
  std::size_t values = 0, unknown = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) values += line[0] == 'b' && line[1] != 'x', unknown += line.starts_with("bx ");
  EXPECT_EQ(values, 5 + 10 * TraceLimits::kEventsPerFrame);   // five at first
  EXPECT_EQ(unknown, 5u);
  EXPECT_THAT(text, HasSubstr(" later changes are left out $end\n"));
  EXPECT_LT(text.size(), 20'000u);
  EXPECT_THAT(left_out(t), testing::AllOf(HasSubstr("waves.vcd ends after 500 changes: "), HasSubstr("trace.json leaves out 974 of 1,000 frames"), HasSubstr("2,500 of 3,000 level changes"), HasSubstr("--trace-limit")));
  EXPECT_EQ(left_out(make_traces({"csv"}, folder)), "");
}

TEST(Perfetto, IsJsonWithFlowsThatMeetTheirSlices) {
  TraceLimits limits;
  limits.frames = 100;
  limits.sample = 10;
  limits.events = 300;
  const std::string file = traced("perfetto", 400, limits) + "/trace.json";
  const Json j = Json::parse(read_file(file));
  std::map<std::pair<int, int>, std::vector<std::pair<double, double>>> slices;
  std::map<std::string, unsigned> phases;
  std::set<std::uint64_t> frames;
  for (const Json& e : j["traceEvents"]) {
    const std::string ph = e["ph"];
    ++phases[ph];
    if (ph == "X") slices[{e["pid"], e["tid"]}].push_back({e["ts"], e["ts"].get<double>() + e["dur"].get<double>()});
    if (ph == "s") frames.insert(e["id"].get<std::uint64_t>());
  }
  // Slices of a thread do not overlap: viewers would nest or drop them.
  for (auto& [thread, list] : slices) {
    std::sort(list.begin(), list.end());
    for (std::size_t i = 1; i < list.size(); ++i) EXPECT_GE(list[i].first, list[i - 1].second - 1e-7) << thread.first << " " << thread.second;
  }
  for (const Json& e : j["traceEvents"]) {
    if (e["ph"] != "s" && e["ph"] != "t" && e["ph"] != "f") continue;
    const double ts = e["ts"];
    bool met = false;
    for (const auto& [from, to] : slices[{e["pid"], e["tid"]}]) met |= from <= ts && ts <= to;
    EXPECT_TRUE(met) << e;
  }
  EXPECT_EQ(phases["s"], phases["f"]);
  EXPECT_EQ(phases["s"], 130u);
  EXPECT_EQ(phases["C"], 300u);
  EXPECT_EQ(*frames.rbegin(), 390u);
  EXPECT_EQ(j["otherData"]["frames"]["shown"], 130);
  EXPECT_EQ(j["otherData"]["frames"]["left_out"], 270);
  EXPECT_EQ(j["otherData"]["level_changes"]["left_out"], 900);
  EXPECT_EQ(phases["i"], 2u + 3u);   // drops among the frames shown; where frames are sampled, where core slices and levels end
  std::set<std::string> components;
  for (const Json& e : j["traceEvents"])
    if (e["ph"] == "M" && e["name"] == "process_name" && e["pid"] >= 100) components.insert(e["args"]["name"].get<std::string>());
  EXPECT_EQ(components, (std::set<std::string>{"nic", "nic.queue0", "tap0"}));
  EXPECT_THAT(read_file(file), HasSubstr("\"ts\":0.001000"));
}

TEST(Series, CountsEveryFrameOnce) {
  std::istringstream in(read_file(traced("csv", 500) + "/series.csv"));
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(line, "time [us],offered [frames],delivered [frames],consumed by host [frames],dropped [frames],delivered payload [bytes],nic.queue0.descriptors [descriptors],tap0.queue [frames],nic.fifo [bytes]");
  std::vector<double> sums(9), last;
  while (std::getline(in, line)) {
    std::vector<double> row;
    std::istringstream fields(line);
    for (std::string f; std::getline(fields, f, ',');) row.push_back(std::stod(f));
    ASSERT_EQ(row.size(), 9u) << line;
    EXPECT_GT(row[0], last.empty() ? 0 : last[0]);
    for (int i = 1; i < 6; ++i) sums[static_cast<std::size_t>(i)] += row[static_cast<std::size_t>(i)];
    last = row;
  }
  EXPECT_EQ(sums[1], 500);
  EXPECT_EQ(sums[2], 490);
  EXPECT_EQ(sums[4], 10);
  EXPECT_EQ(last[6], 512 - 499 % 64);
  EXPECT_EQ(last[0], 2590);    // the last whole interval before the end at 2598.8 us
}

TEST(Pcap, IsReadBackByLibpcap) {
  const std::string folder = traced("pcap", 200);
  for (const auto& [name, frames] : std::vector<std::pair<std::string, unsigned>>{{"wire", 200}, {"guest-g0", 196}}) {
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t* p = pcap_open_offline_with_tstamp_precision((folder + "/" + name + ".pcap").c_str(), PCAP_TSTAMP_PRECISION_NANO, error);
    ASSERT_NE(p, nullptr) << error;
    EXPECT_EQ(pcap_snapshot(p), 262144);
    EXPECT_EQ(pcap_datalink(p), DLT_EN10MB);
    pcap_pkthdr* head = nullptr;
    const unsigned char* bytes = nullptr;
    unsigned n = 0;
    for (int r; (r = pcap_next_ex(p, &head, &bytes)) != PCAP_ERROR_BREAK; ++n) {
      ASSERT_EQ(r, 1) << pcap_geterr(p);
      EXPECT_EQ(head->caplen, head->len);
      EXPECT_EQ(bytes[head->caplen - 1], static_cast<unsigned char>(head->caplen - 1));
      if (name == "wire") {
        EXPECT_EQ(head->ts.tv_usec, (1000 + n * 1200 * kNs + n % 7) / kNs);
        EXPECT_EQ(head->len, 60 + n % 1455);
      }
    }
    EXPECT_EQ(n, frames);
    pcap_close(p);
  }
}

TEST(Pcap, WithoutGuestsTheApplicationHasACapture) {
  std::string folder = testing::TempDir() + "traces-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const Traces t = make_traces({"pcap"}, folder);
  t[0]->begin({});
  const std::uint8_t bytes[60] = {};
  t[0]->handed_up(0, bytes, sizeof bytes, 5 * kSec + 7 * kNs);
  t[0]->finish(6 * kSec);
  EXPECT_EQ(read_file(folder + "/app.pcap").size(), 24u + 16u + 60u);
}

}  // namespace traces_test
}  // namespace gd::report
