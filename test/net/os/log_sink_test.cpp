#include "net/os/log_sink.hpp"

#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include <map>

#include <sys/wait.h>
#include <unistd.h>

namespace stadion::net {
namespace {

TEST(as_one_line, shows_what_would_begin_a_line_or_move_the_cursor) {
    EXPECT_EQ(as_one_line("a\nb\r\x1b[2J\x7f\t", 100), "a\\x0ab\\x0d\\x1b[2J\\x7f\\x09");
    EXPECT_EQ(as_one_line("caf\xc3\xa9 \xc2\x9b \xff\xe2\x82", 100),
              "caf\xc3\xa9 \\xc2\\x9b \\xff\\xe2\\x82");
}

TEST(as_one_line, cuts_between_characters_and_says_so) {
    EXPECT_EQ(as_one_line("0123456789", 10), "0123456789");
    EXPECT_EQ(as_one_line("0123456789a", 10), "0123456…");
    for (std::size_t max = 3; max < 30; ++max) {
        const auto line = as_one_line("h\xc3\xa9llo \xe2\x82\xac\n\n\n w\xc3\xb6rld", max);
        EXPECT_LE(line.size(), max);
        EXPECT_EQ(as_one_line(line, 100), line) << "it is whole characters";
    }
}

// Logs lines of one repeated letter, so that a reader can tell by the length whether a line is whole.
void log_lines(int to, char letter, int lines, bool is_coloured) {
    const auto sink = std::make_shared<log_sink>(to);
    sink->set_coloured(is_coloured);
    spdlog::logger log("test", sink);
    log.set_pattern("%^%l%$ %v");
    for (int i = 0; i < lines; ++i) {
        const auto size = static_cast<std::size_t>(i % 50 == 0 ? 5000 : 100 + i % 400);
        log.info("{} {}", size, std::string(size, letter));
    }
}

std::string line_of(char letter, std::size_t size, bool is_coloured) {
    const std::string level = is_coloured ? "\033[32minfo\033[m " : "info ";
    const std::size_t space = log_line_bytes_max - 5 - 3 - 1;
    return level + as_one_line(std::to_string(size) + ' ' + std::string(size, letter), space - 5);
}

class processes_that_share_a_log : public ::testing::TestWithParam<bool> {};

TEST_P(processes_that_share_a_log, never_tear_each_others_lines) {
    constexpr int lines = 400;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::string letters = "abcd";
    for (const char letter : letters)
        if (::fork() == 0) {
            ::close(ends[0]);
            log_lines(ends[1], letter, lines, GetParam());
            ::_exit(0);
        }
    ::close(ends[1]);
    std::string text;
    char part[16384];
    for (ssize_t size = 0; (size = ::read(ends[0], part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(size));
    ::close(ends[0]);
    for (std::size_t i = 0; i < letters.size(); ++i) ::wait(nullptr);

    std::map<char, int> seen;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = text.find('\n', begin);
        ASSERT_NE(end, std::string::npos);
        const auto line = text.substr(begin, end - begin);
        begin = end + 1;
        const auto first = line.find_first_of("0123456789", GetParam() ? 6 : 0);
        ASSERT_NE(first, std::string::npos) << line;
        const auto size = std::stoul(line.substr(first));
        const char letter = line.at(line.find(' ', first) + 1);
        ASSERT_EQ(line, line_of(letter, size, GetParam()));
        ++seen[letter];
    }
    for (const char letter : letters) EXPECT_EQ(seen[letter], lines);
}

INSTANTIATE_TEST_SUITE_P(, processes_that_share_a_log, ::testing::Bool());

} // namespace
} // namespace stadion::net
