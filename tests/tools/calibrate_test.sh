#!/bin/bash
# calibrate_test.sh CALIBRATE CASE: tools/calibrate on made-up scenarios, with a program that computes in place of guestdma.
calibrate=$1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/guestdma calibrate.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
cd "$scratch" || exit 1
mkdir -p s/platforms s/costs s/fidelity/points.d
status='' out='' err=''
gd() {
  "$calibrate" --program ./program "$@" s >"$scratch/out" 2>"$scratch/err"
  status=$?
  out=$(cat "$scratch/out")
  err=$(cat "$scratch/err")
}
wrong() {
  printf 'failed: %s\n--- status %s\n--- stdout\n%s\n--- stderr\n%s\n' "$1" "$status" "$out" "$err"
  exit 1
}
status_is() { [ "$status" = "$1" ] || wrong "exit code $1 expected"; }
out_has() { case $out in *"$1"*) ;; *) wrong "stdout with '$1' expected" ;; esac; }
err_has() { case $err in *"$1"*) ;; *) wrong "stderr with '$1' expected" ;; esac; }

# The machine: latency = root + 2 * device, bandwidth = 1000 / device + cost; spaces, order and line ends are odd on purpose.
printf '{\r\n  "description": "a \\"quoted\\" {brace",\r\n  "pcie" : {"root":   "100.0ns", "list": [1, {"device_latency":"90ns"}]},\r\n  "other": 100\r\n}' >s/platforms/m.json
printf '{"costs": {"a.b/c": {"cycles": 3.25, "source": "none"}}}\n' >s/costs/k.json
echo '{}' >s/run.json
cat >s/fidelity/points.json <<'END'
[{"include": "points.d"},
 {"id": "bandwidth", "value": 14, "unit": "Gb/s", "tolerance": {"rel": 0.05}, "calibrated": true,
  "runs": {"a": {"scenario": "../run.json"}}, "formula": "1000 / device + cost"}]
END
cat >s/fidelity/points.d/more.json <<'END'
[{"id": "latency", "value": 500, "unit": "ns", "tolerance": {"abs": 10.5}, "calibrated": true,
  "runs": {"a": {"scenario": "../../run.json"}}, "formula": "root + 2 * device"},
 {"id": "device", "value": 125, "unit": "ns", "tolerance": {"rel": 0.002}, "calibrated": true,
  "runs": {"a": {"scenario": "../../run.json"}}, "formula": "device"},
 {"id": "predicted", "value": 1, "unit": "", "tolerance": {"rel": 0.1}, "runs": {"a": {"scenario": "../../run.json"}}, "formula": "secret"},
 {"id": "sent", "value": 1, "unit": "", "not_modelled": "nobody sends"}]
END
cat >s/fidelity/parameters.json <<'END'
[{"file": "../platforms/m.json", "pointer": "/pcie/root", "unit": "ns", "min": 50, "max": 400, "step": 12.5, "points": ["latency"], "why": "no source"},
 {"file": "../platforms/m.json", "pointer": "/pcie/list/1/device_latency", "unit": "ns", "min": 10, "max": 300, "step": 5, "points": ["latency", "device"], "why": "no source"},
 {"file": "../costs/k.json", "pointer": "/costs/a.b~1c/cycles", "unit": "", "min": 0, "max": 20, "step": 1, "points": ["bandwidth"], "why": "no source"}]
END
# In awk, which starts in a tenth of Python's time: a fit asks a hundred times. The real program finds its profiles beside itself too.
cat >program <<'END'
#!/bin/sh
[ "$1" = fidelity ] || exit 9
case " $* " in *" --no-plots "*) ;; *) exit 9 ;; esac
if [ -e "${BREAK:-/nowhere}" ]; then echo "it died" >&2; exit 3; fi
above=${0%/*}
export share="${above%/*}/share/guestdma/scenarios" points="$2"
exec awk '
function text_of(path,  line, text) {
  while ((getline line <path) > 0) text = text line " "
  close(path)
  return text
}
function after(text, pattern) {   # the number, or the text before the end of the value, that follows the pattern
  if (!match(text, pattern)) died("no " pattern)
  text = substr(text, RSTART + RLENGTH)
  sub(/[],}"].*/, "", text)
  return text
}
function died(why) { print why >"/dev/stderr"; failed = 1; exit 9 }
function operand(word) {
  if (word in names) return names[word]
  if (word !~ /^[0-9.]+$/) died("no " word)
  return word + 0
}
function value_of(formula,  word, n, i, sum, sign, product) {   # words with a blank between them, as in Python
  n = split(formula, word, " ")
  sign = 1
  product = operand(word[1])
  for (i = 2; i < n; i += 2) {
    if (word[i] == "*") product *= operand(word[i + 1])
    else if (word[i] == "/") product /= operand(word[i + 1])
    else if (word[i] == "+" || word[i] == "-") { sum += sign * product; sign = word[i] == "+" ? 1 : -1; product = operand(word[i + 1]) }
    else died("no " word[i])
  }
  return sum + sign * product
}
BEGIN {
  share = ENVIRON["share"]
  platform = text_of(share "/platforms/m.json")
  names["root"] = after(platform, "\"root\": *\"") + 0
  names["first"] = after(platform, "\"list\": *\\[") + 0
  names["device"] = after(platform, "\"device_latency\": *\"") + 0
  names["other"] = after(platform, "\"other\": *") + 0
  names["cost"] = after(text_of(share "/costs/k.json"), "\"a.b/c\": *{\"cycles\": *") + 0
  points = text_of(ENVIRON["points"])
  n = split(points, point, "{\"id\": ")
  if (n < 2 || points ~ /calibrated/) died("wrong points: " points)
  for (i = 2; i <= n; i++) {
    p = point[i]
    if (after(p, "\"scenario\": \"") != share "/run.json") died("another scenario: " p)
    value = after(p, "\"value\": ") + 0
    bound = p ~ /"abs"/ ? after(p, "\"abs\": ") + 0 : (after(p, "\"rel\": ") + 0) * value
    off = value_of(after(p, "\"formula\": \"")) - value
    out = out sprintf("%s{\"id\": \"%s\", \"used\": %.17g}", i > 2 ? ", " : "", after(p, "^\""), (off < 0 ? -off : off) / bound)
  }
  print "{\"points\": [" out "]}"
  exit 1
}
END { if (failed) exit 9 }' </dev/null
END
chmod +x program
sums() { cat s/platforms/m.json s/costs/k.json | sha256sum; }

fits_and_stays() {
  local before
  before=$(sums)
  gd --check
  status_is 1; out_has '3 would move'; [ "$(sums)" = "$before" ] || wrong '--check writes nothing'
  gd
  status_is 0; out_has 'm.json /pcie/root: 100.0ns -> 250ns (latency)'; out_has '3 parameters, 3 calibrated points: 3 moved'
  printf '{\r\n  "description": "a \\"quoted\\" {brace",\r\n  "pcie" : {"root":   "250ns", "list": [1, {"device_latency":"125ns"}]},\r\n  "other": 100\r\n}' >wanted
  cmp wanted s/platforms/m.json || wrong 'only the numbers change in the platform'
  printf '{"costs": {"a.b/c": {"cycles": 6, "source": "none"}}}\n' | cmp - s/costs/k.json || wrong 'only the number changes in the costs'
  before=$(sums)
  gd
  status_is 0; out_has 'points: fitted'; [ "$(sums)" = "$before" ] || wrong 'the same bytes again'
  [ -z "$(find s -newer program -name '*.new')" ] || wrong 'something was left'
}

keeps_the_text_that_says_it() {   # 6.00 is 6: nothing to write
  sed -i 's/"cycles": 3.25,/"cycles": 6.00,/; s/"100.0ns"/"250.0ns"/; s/"90ns"/"125ns"/' s/costs/k.json s/platforms/m.json
  gd --check
  status_is 0
  sed -i 's/"cycles": 6.00,/"cycles": 6.01,/' s/costs/k.json   # beside the grid
  gd
  status_is 0; out_has 'k.json /costs/a.b~1c/cycles: 6.01 -> 6 (bandwidth)'
}

one_number_in_two_places() {
  sed -i 's/"formula": "root + 2 \* device"/"formula": "first + other"/' s/fidelity/points.d/more.json
  sed -i '1s:"/pcie/root", "unit"\: "ns":["/other", "/pcie/list/0"], "unit"\: "":' s/fidelity/parameters.json
  gd
  status_is 0; out_has 'm.json /other, /pcie/list/0: 100 -> 250 (latency)'
  grep -q '"list": \[250, ' s/platforms/m.json && grep -q '"other": 250' s/platforms/m.json || wrong 'both places carry it'
  sed -i 's/"other": 250/"other": 251/' s/platforms/m.json   # they differ: not fitted
  gd --check
  status_is 1; out_has '-> 250 (latency)'
}

trades() {   # a tight sum holds both where each would be better placed
  sed -i 's/"formula": "root + 2 \* device"/"formula": "root + device"/; s/"value": 500/"value": 300/; s/"abs": 10.5/"abs": 0.01/; s/"rel": 0.002/"rel": 0.9/' s/fidelity/points.d/more.json
  sed -i '1s/"step": 12.5/"step": 5/' s/fidelity/parameters.json
  gd
  status_is 0; out_has '/pcie/root: 100.0ns -> 175ns'; out_has 'device_latency: 90ns -> 125ns'
}

circle() {   # each wants the other elsewhere, for ever: the best of the circle, and then it stays
  sed -i 's/"formula": "root + 2 \* device"/"formula": "root - device"/; s/"value": 500/"value": 0/; s/"formula": "device"/"formula": "root + device"/; s/"value": 125/"value": 300/; s/"rel": 0.002/"rel": 0.01/' s/fidelity/points.d/more.json
  sed -i 's/"points": \["latency", "device"\]/"points": ["device"]/; 1s/"step": 12.5/"step": 5/' s/fidelity/parameters.json
  gd
  status_is 0; cp -r s fitted
  gd
  status_is 0; diff -r s fitted || wrong 'no file changed by a second run'
}

mistakes() {
  local change
  refused() {   # SED TEXT: with parameters.json changed
    cp s/fidelity/parameters.json kept
    sed -i "$1" s/fidelity/parameters.json
    gd
    status_is 2; err_has "$2"
    cp kept s/fidelity/parameters.json
  }
  refused 's/\["latency"\]/["predicted"]/' 'm.json /pcie/root names predicted, which is no calibrated point'
  refused '3s/"bandwidth"/"latency"/' 'no parameter names the calibrated point bandwidth'
  refused 's:/pcie/root":/pcie/rot":' 'has no /pcie/rot'
  refused '1s/"unit": "ns"/"unit": "us"/' '/pcie/root is 100.0ns, not in us'
  refused '1s/"step": 12.5/"step": 0/' 'has no values from 50 to 400 by 0'
  refused '1s/, "why": "no source"//' 'a parameter has the keys'
  refused 's:"../costs/k.json":"../../program":' 'program'
  gd -j x
  status_is 2; err_has '-j: "x" is not allowed; allowed: a whole number from 1'
  BREAK=program gd
  status_is 3; err_has 'exit code 3'; err_has 'it died'
}

case $(type -t "${2:-}") in
  function) "$2" ;;
  *) echo "unknown case '${2:-}'"; exit 2 ;;
esac
exit 0
