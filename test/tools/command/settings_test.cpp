#include "tools/command/settings.hpp"

#include "test/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace stadion::tools {
namespace {

using testing::HasSubstr;

class Settings : public testing::Test {
protected:
    Settings() {
        ::unsetenv("STADION_SETTINGS_PORT");
        add_setting(command, "--settings-port,--old_port", port, "a port");
        add_switch(command, "--draws,--is_draws", draws, "a switch");
        other.add_option("--depth");
    }
    ~Settings() override { ::unsetenv("STADION_SETTINGS_PORT"); }

    void parse(const std::string& arguments) { program.parse("serve " + arguments); }
    wire::result<void> apply(const std::string& text) {
        const auto path = folder.path() + "/stadion.toml";
        std::ofstream(path) << text;
        return apply_config(program, command, path);
    }

    test::temporary_directory folder;
    int port = 7400;
    bool draws = true;
    CLI::App program;
    CLI::App& command = *program.add_subcommand("serve");
    CLI::App& other = *program.add_subcommand("dive");
};

TEST_F(Settings, ComeFromTheFlagThenTheEnvironmentThenTheFileThenTheDefault) {
    parse("");
    EXPECT_EQ(port, 7400);
    ASSERT_TRUE(apply("settings-port = 1"));
    EXPECT_EQ(port, 1);
}

TEST_F(Settings, TheEnvironmentGoesBeforeTheFile) {
    ::setenv("STADION_SETTINGS_PORT", "2", 1);
    parse("");
    ASSERT_TRUE(apply("settings-port = 1"));
    EXPECT_EQ(port, 2);
}

TEST_F(Settings, AFlagGoesBeforeAllElse) {
    ::setenv("STADION_SETTINGS_PORT", "2", 1);
    parse("--old_port 3");
    ASSERT_TRUE(apply("settings-port = 1"));
    EXPECT_EQ(port, 3);
}

TEST_F(Settings, ATableIsForItsCommandAloneAndGoesBeforeWhatIsForAll) {
    parse("");
    ASSERT_TRUE(apply("settings-port = 1\n[serve]\nold_port = 4\n[dive]\ndepth = 9"));
    EXPECT_EQ(port, 4);
}

TEST_F(Settings, ASwitchMayBeBareOrSayWhat) {
    parse("--draws=off");
    EXPECT_FALSE(draws);
    parse("--is_draws");
    EXPECT_TRUE(draws);
    parse("--draws false");
    EXPECT_FALSE(draws);
    EXPECT_THROW(parse("--draws perhaps"), CLI::ParseError);
}

TEST_F(Settings, ASwitchInTheFileIsABoolean) {
    parse("");
    ASSERT_TRUE(apply("draws = false"));
    EXPECT_FALSE(draws);
}

TEST_F(Settings, WhatNoCommandKnowsIsRefusedByName) {
    parse("");
    EXPECT_TRUE(apply("depth = 3")); // another command's
    const auto unknown = apply("colour = 1");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message, HasSubstr("colour"));
    EXPECT_FALSE(apply("[paint]\ncolour = 1"));
}

TEST_F(Settings, WhatDoesNotFitIsRefusedWithTheFilesName) {
    parse("");
    const auto wrong = apply("settings-port = \"high\"");
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("stadion.toml"));
    EXPECT_FALSE(apply("settings-port = = 1"));
    EXPECT_FALSE(apply_config(program, command, folder.path() + "/none.toml"));
}

TEST_F(Settings, AreHandedToAnotherProcessWhereverTheyCameFrom) {
    ::setenv("STADION_SETTINGS_PORT", "2", 1);
    parse("--draws");
    EXPECT_EQ(arguments_of(command, {}), (std::vector<std::string>{"--settings-port=2", "--draws=true"}));
    EXPECT_EQ(arguments_of(command, {"draws"}), (std::vector<std::string>{"--settings-port=2"}));
}

TEST_F(Settings, OfTheFileAreHandedOnTooAndDefaultsAreNot) {
    parse("");
    EXPECT_TRUE(arguments_of(command, {}).empty());
    ASSERT_TRUE(apply("draws = false"));
    EXPECT_EQ(arguments_of(command, {}), (std::vector<std::string>{"--draws=false"}));
}

} // namespace
} // namespace stadion::tools
