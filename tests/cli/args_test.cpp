// The command line as it is read, and the order of exit codes.
#include <gmock/gmock.h>

#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/exit_code.h"

namespace gd::cli {
namespace args_test {

using testing::ElementsAre;

std::string mistake(const std::vector<std::string>& arguments) {
  try {
    parse_arguments(arguments);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

TEST(Arguments, OptionsStandAnywhere) {
  const Options o = parse_arguments({"--seed", "3", "run", "-j4", "a.json", "--set", "a.b=1", "--set=c=x y", "--quiet"});
  EXPECT_EQ(o.command, "run");
  EXPECT_THAT(o.arguments, ElementsAre("a.json"));
  EXPECT_THAT(o.set, ElementsAre("a.b=1", "c=x y"));
  EXPECT_EQ(o.seed, "3");
  EXPECT_EQ(o.jobs, 4u);
  EXPECT_TRUE(o.quiet);
  EXPECT_TRUE(o.plots);
  EXPECT_EQ(o.format, Format::text);
}

TEST(Arguments, DashIsAnArgument) {
  EXPECT_THAT(parse_arguments({"run", "-", "--no-plots"}).arguments, ElementsAre("-"));
}

TEST(Arguments, ListsAreJoinedAndOrdered) {
  const Options o = parse_arguments({"run", "--strategy", "a,b", "--strategy", "c", "--trace", "pcap,vcd", "--trace", "vcd"});
  EXPECT_EQ(o.strategy, "a,b,c");
  EXPECT_THAT(o.traces, ElementsAre("vcd", "pcap"));
}

TEST(Arguments, PrefixesOfNamesAreNotTaken) {
  EXPECT_THAT(mistake({"run", "--strat", "a"}), testing::HasSubstr("unknown option --strat;"));
}

TEST(Arguments, SecondsMayHaveAFraction) {
  EXPECT_EQ(parse_arguments({"run", "--timeout", "0.25"}).timeout, 0.25);
  for (const char* bad : {"0", "-1", "nan", "inf", "5s", ""}) EXPECT_THAT(mistake({"run", std::string("--timeout=") + bad}), testing::HasSubstr("--timeout")) << bad;
}

TEST(Arguments, EveryOptionOfACommandIsKnown) {
  for (const Command& c : command_table())
    for (const char* name : c.options)
      EXPECT_TRUE(std::any_of(option_table().begin(), option_table().end(), [&](const OptionInfo& o) { return std::string(o.name) == name; })) << c.name << " " << name;
}

TEST(ExitCode, ThreeBeforeTwoBeforeFourBeforeOne) {
  const int order[] = {3, 2, 4, 1, 0};
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t k = i; k < 5; ++k) {
      EXPECT_EQ(worse(order[i], order[k]), order[i]);
      EXPECT_EQ(worse(order[k], order[i]), order[i]);
    }
}

}  // namespace args_test
}  // namespace gd::cli
