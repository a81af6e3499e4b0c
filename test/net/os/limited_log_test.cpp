#include "net/os/limited_log.hpp"

#include "wire/proto/frontend.pb.h"

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// Collects what is logged while it lives.
class captured_log {
public:
    captured_log() : before_(spdlog::default_logger()) {
        spdlog::set_default_logger(std::make_shared<spdlog::logger>(
            "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
        spdlog::set_pattern("%v");
    }
    ~captured_log() { spdlog::set_default_logger(before_); }
    std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::shared_ptr<spdlog::logger> before_;
};

TEST(limited_log, admits_one_line_in_a_while_and_counts_the_others) {
    limited_log log{1000ms};
    const auto start = limited_log::clock::now();
    std::uint64_t left_out = 7;
    EXPECT_TRUE(log.admits(start, left_out));
    EXPECT_EQ(left_out, 0u);
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(log.admits(start + i * 100ms, left_out));
    EXPECT_TRUE(log.admits(start + 1000ms, left_out));
    EXPECT_EQ(left_out, 5u);
    EXPECT_TRUE(log.admits(start + 2000ms, left_out));
    EXPECT_EQ(left_out, 0u);
}

TEST(limited_log, a_few_lines_at_once_may_be_admitted) {
    limited_log log{1000ms, 3};
    const auto start = limited_log::clock::now();
    std::uint64_t left_out = 0;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(log.admits(start, left_out));
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(log.admits(start + 1ms, left_out));
    EXPECT_TRUE(log.admits(start + 1000ms, left_out));
    EXPECT_EQ(left_out, 2u);
    EXPECT_TRUE(log.admits(start + 1000ms, left_out));
    EXPECT_EQ(left_out, 0u);
}

TEST(limited_log, what_comes_from_outside_stays_on_its_line) {
    captured_log all;
    limited_log log;
    log.warn("an odd address: ", "a:1\n[error] the disk is full");
    EXPECT_EQ(all.text(), "an odd address: a:1\\n[error] the disk is full\n");
}

TEST(limited_log, strings_that_are_no_utf8_cost_one_line_however_many_come) {
    captured_log all;
    take_over_protobuf_log();
    testing::internal::CaptureStderr();
    v1::SubscribeRequest request;
    for (int i = 0; i < 1000; ++i) EXPECT_FALSE(request.ParseFromString("\x0a\x02\xff\xfe"));
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    const auto text = all.text();
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 2);
    EXPECT_THAT(text, HasSubstr("malformed"));
    EXPECT_THAT(text, Not(HasSubstr("\xff")));
}

} // namespace
} // namespace stadion::net
