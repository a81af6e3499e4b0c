#include "tools/command/command_line.hpp"

#include "test/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace stadion::tools {
namespace {

using testing::HasSubstr;

class Settings : public testing::Test {
protected:
    Settings() {
        ::unsetenv("STADION_SETTINGS_PORT");
        serve.setting("--settings-port,--old_port", port, "a port");
        serve.on_off("--draws,--is_draws", draws, "a switch");
        serve.runs([] { return 7; }, [this] { return missing; });
        dive.option("--depth", depth, "a depth").range(0, 10);
        dive.runs([] { return 8; });
    }
    ~Settings() override { ::unsetenv("STADION_SETTINGS_PORT"); }

    wire::result<bool> parse_line(const std::string& line) {
        std::istringstream words(line);
        std::vector<std::string> arguments;
        for (std::string word; words >> word;) arguments.push_back(word);
        return program.parse(std::move(arguments));
    }
    bool parse(const std::string& arguments) {
        const auto has_command = parse_line("serve " + arguments);
        return has_command && *has_command;
    }
    wire::result<void> apply(const std::string& text) {
        const auto path = folder.path() + "/stadion.toml";
        std::ofstream(path) << text;
        return program.apply_config(path);
    }

    test::temporary_directory folder;
    int port = 7400;
    int depth = 0;
    bool draws = true;
    std::string missing;
    command_line program{"stadion", "", "stadion 1.2.3"};
    command serve = program.root().subcommand("serve", "");
    command dive = program.root().subcommand("dive", "");
};

TEST_F(Settings, ComeFromTheFlagThenTheEnvironmentThenTheFileThenTheDefault) {
    ASSERT_TRUE(parse(""));
    EXPECT_EQ(port, 7400);
    ASSERT_TRUE(apply("settings-port = 1"));
    EXPECT_EQ(port, 1);
}

TEST_F(Settings, TheEnvironmentGoesBeforeTheFile) {
    ::setenv("STADION_SETTINGS_PORT", "2", 1);
    ASSERT_TRUE(parse(""));
    ASSERT_TRUE(apply("settings-port = 1"));
    EXPECT_EQ(port, 2);
}

TEST_F(Settings, AFlagGoesBeforeAllElse) {
    ::setenv("STADION_SETTINGS_PORT", "2", 1);
    ASSERT_TRUE(parse("--old_port 3"));
    ASSERT_TRUE(apply("settings-port = 1"));
    EXPECT_EQ(port, 3);
}

TEST_F(Settings, ATableIsForItsCommandAloneAndGoesBeforeWhatIsForAll) {
    ASSERT_TRUE(parse(""));
    ASSERT_TRUE(apply("settings-port = 1\n[serve]\nold_port = 4\n[dive]\ndepth = 9"));
    EXPECT_EQ(port, 4);
}

TEST_F(Settings, ASwitchMayBeBareOrSayWhat) {
    ASSERT_TRUE(parse("--draws=off"));
    EXPECT_FALSE(draws);
    ASSERT_TRUE(parse("--is_draws"));
    EXPECT_TRUE(draws);
    ASSERT_TRUE(parse("--draws false"));
    EXPECT_FALSE(draws);
    EXPECT_FALSE(parse("--draws perhaps"));
}

TEST_F(Settings, ASwitchInTheFileIsABoolean) {
    ASSERT_TRUE(parse(""));
    ASSERT_TRUE(apply("draws = false"));
    EXPECT_FALSE(draws);
}

TEST_F(Settings, WhatNoCommandKnowsIsRefusedByName) {
    ASSERT_TRUE(parse(""));
    EXPECT_TRUE(apply("depth = 3")); // another command's
    const auto unknown = apply("colour = 1");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message, HasSubstr("colour"));
    EXPECT_FALSE(apply("[paint]\ncolour = 1"));
}

TEST_F(Settings, WhatDoesNotFitIsRefusedWithTheFilesName) {
    ASSERT_TRUE(parse(""));
    const auto wrong = apply("settings-port = \"high\"");
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("stadion.toml"));
    EXPECT_FALSE(apply("settings-port = = 1"));
    EXPECT_FALSE(program.apply_config(folder.path() + "/none.toml"));
}

TEST_F(Settings, AreHandedToAnotherProcessWhereverTheyCameFrom) {
    ::setenv("STADION_SETTINGS_PORT", "2", 1);
    ASSERT_TRUE(parse("--draws"));
    EXPECT_EQ(serve.arguments({}), (std::vector<std::string>{"--settings-port=2", "--draws=true"}));
    EXPECT_EQ(serve.arguments({"draws"}), (std::vector<std::string>{"--settings-port=2"}));
}

TEST_F(Settings, OfTheFileAreHandedOnTooAndDefaultsAreNot) {
    ASSERT_TRUE(parse(""));
    EXPECT_TRUE(serve.arguments({}).empty());
    ASSERT_TRUE(apply("draws = false"));
    EXPECT_EQ(serve.arguments({}), (std::vector<std::string>{"--draws=false"}));
}

TEST_F(Settings, AreThoseOfTheCommandThatIsChosenAndRun) {
    ASSERT_TRUE(parse(""));
    EXPECT_EQ(program.run(), 7);
    ASSERT_TRUE(parse_line("dive --depth 3"));
    EXPECT_EQ(depth, 3);
    EXPECT_EQ(program.run(), 8);
}

TEST_F(Settings, OutOfRangeMissingOrUnknownOnTheLineAreRefusedByName) {
    const auto deep = parse_line("dive --depth 11");
    ASSERT_FALSE(deep);
    EXPECT_THAT(deep.error().message, HasSubstr("--depth"));
    EXPECT_FALSE(parse_line(""));
    EXPECT_FALSE(parse_line("dive --height 3"));
    missing = "HOST:PORT";
    const auto homeless = parse_line("serve");
    ASSERT_FALSE(homeless);
    EXPECT_EQ(homeless.error().message, "HOST:PORT is required");
}

TEST_F(Settings, TheHelpAndTheVersionArePrintedInsteadOfRunning) {
    for (const auto* line : {"--version", "serve --help"}) {
        const auto has_command = parse_line(line);
        ASSERT_TRUE(has_command) << line;
        EXPECT_FALSE(*has_command) << line;
    }
}

} // namespace
} // namespace stadion::tools
