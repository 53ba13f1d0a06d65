// What all pages share: frame, policy, links; and the pages of sweep and fidelity.
#include "src/report/html.h"

#include <algorithm>
#include <filesystem>

#include "src/report/html_part.h"
#include "src/report/results.h"
#include "src/report/web.h"
#include "src/report/words.h"
#include "src/scenario/sha256.h"

namespace gd::report {

namespace {

std::string escaped_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

// JSON inside a script element: `<` stands in strings alone, where its escape means the same.
std::string inside_script(const std::string& json) {
  std::string out;
  for (const char c : json) {
    if (c == '<') out += "\\u003c";
    else out += c;
  }
  return out;
}

const char* about_file(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  static const std::pair<const char*, const char*> known[] = {
      {"summary.json", "metrics"}, {"ledger.json", "cycles and bytes by core, context, component and operation"}, {"cycles.folded", "input of a flame graph"},
      {"histogram.json", "distributions"}, {"trace.json", "timeline; open it in Perfetto (ui.perfetto.dev)"}, {"waves.vcd", "levels and cores; open it in GTKWave"},
      {"series.csv", "levels over time"}, {"wire.pcap", "frames on the wire"}, {"config.json", "the resolved scenario; runs again"}, {"comparison.json", "this page's figures"},
      {"comparison.md", "this page as a table"}, {"sweep.csv", "a line for each metric of each run"}, {"sweep.json", "the same as JSON"}, {"fidelity.json", "this page's figures"},
      {"fidelity.md", "this page as a table"}};
  for (const auto& [file, about] : known)
    if (name == file) return about;
  return name.ends_with(".pcap") ? "frames that were handed up" : "";
}

// Metrics of a sweep that its page shows.
const char* const kSweepMetrics[] = {"throughput.goodput", "dma.bandwidth", "cpu.cycles_per_packet", "host.cycles_per_packet", "guest.cycles_per_packet", "latency.p50", "latency.p99", "dma.latency.p50",
                                     "packets.dropped", "copy.host_bytes_per_packet", "dram.bytes_per_payload_byte", "pcie.upstream_bytes", "llc.ddio_write_hit_rate", "pinned.peak_bytes"};

void strings_part(JsonText& j, const char* key, const std::vector<std::string>& list) {
  j.key(key).open('[', JsonText::flat);
  for (const std::string& s : list) j.string(s);
  j.close();
}

}  // namespace

std::string csp_hash(std::string_view text) {
  const std::string hex = scenario::sha256(text);
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned held = 0, bits = 0;
  for (const char c : hex) {
    held = held << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10), bits += 4;
    if (bits < 6) continue;
    bits -= 6;
    out += digits[held >> bits & 63];
    held &= (1u << bits) - 1;
  }
  if (bits > 0) out += digits[held << (6 - bits) & 63];
  while (out.size() % 4 != 0) out += '=';
  return "'sha256-" + out + "'";
}

std::string page_html(const std::string& title, const std::string& description, const std::string& plain, const std::string& json) {
  static const std::string script = std::string(web::base_js) + web::charts_js + web::comparison_js + web::sweep_js, style = web::report_css;
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; script-src " + csp_hash(script) + "; style-src " + csp_hash(style) + "; base-uri 'none'; form-action 'none'\">\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n";
  out += "<title>guestdma: " + escaped_html(title) + "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>" + style + "</style>\n</head>\n<body>\n";
  out += "<header>\n<h1>" + escaped_html(title) + "</h1>\n" + (description.empty() ? "" : "<p>" + escaped_html(description) + "</p>\n") + "</header>\n";
  // Read by whoever lets no script run.
  out += "<noscript>\n<pre>" + escaped_html(plain) + "</pre>\n</noscript>\n<main id=\"main\"></main>\n";
  out += "<script type=\"application/json\" id=\"data\">\n" + inside_script(json) + "</script>\n<script>" + script + "</script>\n</body>\n</html>\n";
  return out;
}

void files_part(JsonText& j, const std::vector<std::string>& files) {
  j.key("files").open('[');
  for (const std::string& f : files) j.open('{', JsonText::flat).key("path").string(f).key("about").string(about_file(f)).close();
  j.close();
}

std::vector<std::string> page_files(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(".") || name == "runs") at.disable_recursion_pending();
    else if (at->is_regular_file(error) && name != "report.html") out.push_back(at->path().lexically_relative(folder).generic_string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string sweep_html(const SweepResult& s, const std::vector<std::string>& failed, const std::vector<std::string>& files) {
  std::vector<const system::Metric*> metrics;
  for (const char* name : kSweepMetrics)
    for (const SweepRow& r : s.rows)
      if (const system::Metric* m = r.run.find(name)) {
        metrics.push_back(m);
        break;
      }
  std::vector<std::string> labels, words = search_words(s);
  for (const SweepRow& r : s.rows)
    if (std::find(labels.begin(), labels.end(), r.run.label) == labels.end()) labels.push_back(r.run.label);
  const std::size_t shown = std::min(s.rows.size(), kPageRows);
  if (shown < s.rows.size()) words.push_back("Shown are the first " + std::to_string(shown) + " of " + std::to_string(s.rows.size()) + " rows; sweep.csv has all.");
  JsonText j;
  j.open('{').key("kind").string("sweep").key("runs").count(s.runs);
  strings_part(j, "keys", s.keys);
  strings_part(j, "labels", labels);
  strings_part(j, "failed", failed);
  strings_part(j, "words", words);
  j.key("refused").open('[');
  for (const std::string& r : sweep_refusals(s)) j.string(r);
  j.close().key("metrics").open('[');
  for (const system::Metric* m : metrics) j.open('{', JsonText::flat).key("name").string(m->name).key("unit").string(m->unit).close();
  j.close().key("rows").open('[');
  for (std::size_t i = 0; i < shown; ++i) {
    const SweepRow& r = s.rows[i];
    j.open('{', JsonText::flat).key("index").count(r.index).key("seed").count(r.run.seed).key("label").string(r.run.label).key("set").open('[');
    for (const auto& [key, value] : r.set) j.string(shown_json(value));
    j.close().key("values").open('[');
    for (const system::Metric* m : metrics) {
      const system::Metric* v = r.run.find(m->name);
      j.raw(v ? v->text() : "null");
    }
    j.close().close();
  }
  j.close();
  files_part(j, files);
  j.close();
  return page_html(s.scenario, std::to_string(s.runs) + " runs of a sweep", sweep_text(s), j.text());
}

std::string fidelity_html(const Fidelity& f, const std::vector<std::string>& files) {
  JsonText j;
  j.open('{').key("kind").string("fidelity").key("words").open('[');
  for (const std::string& w : fidelity_words(f)) j.string(w);
  j.close().key("points").open('[');
  for (const PointResult& p : f.points) {
    const bool modelled = p.kind != PointResult::Kind::not_modelled;
    j.open('{', JsonText::flat).key("id").string(p.id).key("kind").string(kind_name(p.kind)).key("unit").string(p.unit).key("published").real(p.published).key("simulated");
    if (p.simulated) j.real(*p.simulated);
    else j.raw("null");
    j.key("error").string(modelled ? point_error(p) : "").key("relative");
    if (modelled && p.error) j.real(*p.error);
    else j.raw("null");
    j.key("used");
    if (modelled && p.simulated) j.real(p.used);
    else j.raw("null");
    j.key("tolerance").string(modelled ? p.tolerance.text() : "").key("within").boolean(modelled && p.within);
    j.key("verdict").string(!modelled ? p.reason : p.within ? "within" : "missed").key("source").string(p.source + (p.where.empty() ? "" : ", " + p.where)).close();
  }
  j.close();
  files_part(j, files);
  j.close();
  return page_html(f.name, "Published measurements against what the models say", fidelity_text(f), j.text());
}

}  // namespace gd::report
