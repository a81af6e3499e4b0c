#include "clocksync/order/order_frame.hpp"

#include <gtest/gtest.h>

namespace stadion::clocksync {
namespace {

std::shared_ptr<const std::string> shared(std::string bytes) {
    return std::make_shared<const std::string>(std::move(bytes));
}

batch two_messages() {
    std::string messages;
    append_message(messages, "a");
    append_message(messages, "bc");
    const std::size_t size = messages.size();
    return {300, 295, 9, 5, 2, shared(std::move(messages)), 0, size};
}

std::vector<order_frame> one_of_each() {
    const propose_frame proposal{{8, 2}, {7, 1}, {{1, 4}, {3, 5}}, {1}, {{1, 300, 3}}, 1, 0};
    return {
        data_frame{{7, 1}, 300, 295, false, {298, 290, 295}, two_messages()},
        data_frame{{7, 1}, 300, 295, true, {298, 290, 295}, std::nullopt},
        resend_frame{{7, 1}, 5},
        stop_frame{{8, 2}, {{1, 4}, {3, 5}}},
        report_frame{{8, 2}, 4, {7, 1}, {{1, 300}, {2, 0}}, proposal},
        report_frame{{8, 2}, 4, {}, {}, std::nullopt},
        proposal,
        fetch_frame{{8, 2}, 1, 7, 300},
        fill_frame{{8, 2}, 1, {two_messages()}},
        confirm_frame{{8, 2}},
        commit_frame{8, {8, 2}},
        installed_frame{{8, 2}},
        state_frame{
            {8, 2}, {1, 1}, 1700000000000000, 1000, {{1, 4, 77, 990}}, 0, 3, std::string("\0\1\2", 3)},
        stale_frame{9},
        taken_frame{{8, 2}, 262144},
    };
}

std::vector<batch> batches_of(const order_frame& frame) {
    if (const auto* data = std::get_if<data_frame>(&frame); data && data->messages) return {*data->messages};
    if (const auto* fill = std::get_if<fill_frame>(&frame)) return fill->batches;
    return {};
}

// The messages are as many as the batch says, and lie within the bytes that were received.
void expect_within(const batch& of, const std::string& received) {
    ASSERT_LE(of.offset, received.size());
    ASSERT_LE(of.size, received.size() - of.offset);
    EXPECT_EQ(of.messages(), std::string_view(received).substr(of.offset, of.size));
    std::uint64_t messages = 0;
    for_each_message(of, 0, [&](std::uint64_t, std::string_view) { ++messages; });
    EXPECT_EQ(messages, of.count);
}

TEST(order_frame, has_the_bytes_of_its_header_s_example) {
    const std::string bytes = encode(data_frame{{7, 1}, 300, 295, false, {298, 290, 295}, two_messages()});
    const std::string expected(
        "\x01\x07\x01\xac\x02\xa7\x02\x01\x03\xaa\x02\xa2\x02\xa7\x02\x09\x05\x02\x01\x61\x02\x62\x63", 23);
    EXPECT_EQ(bytes, expected);
}

TEST(order_frame, survives_encoding_whatever_its_kind) {
    for (const order_frame& frame : one_of_each()) {
        const std::string bytes = encode(frame);
        const auto decoded = decode(shared(bytes));
        ASSERT_TRUE(decoded) << frame.index();
        EXPECT_EQ(decoded->index(), frame.index());
        EXPECT_EQ(encode(*decoded), bytes);
    }
}

TEST(order_frame, is_refused_when_cut_short_or_with_something_behind) {
    for (const order_frame& frame : one_of_each()) {
        const std::string bytes = encode(frame);
        for (std::size_t length = 0; length < bytes.size(); ++length)
            EXPECT_FALSE(decode(shared(bytes.substr(0, length)))) << frame.index() << " of " << length;
        EXPECT_FALSE(decode(shared(bytes + '\0'))) << frame.index();
    }
}

TEST(order_frame, never_reads_beyond_what_a_flipped_byte_claims) {
    for (const order_frame& frame : one_of_each()) {
        const std::string bytes = encode(frame);
        for (std::size_t place = 0; place < bytes.size(); ++place)
            for (const char value : {'\x00', '\x7f', '\x80', '\xff'}) {
                std::string changed = bytes;
                changed[place] = value;
                const auto decoded = decode(shared(changed));
                if (!decoded) continue;
                for (const batch& one : batches_of(*decoded)) expect_within(one, changed);
                const std::string again = encode(*decoded);
                const auto same = decode(shared(again));
                ASSERT_TRUE(same) << frame.index() << " at " << place;
                EXPECT_EQ(encode(*same), again) << frame.index() << " at " << place;
            }
    }
}

TEST(order_frame, refuses_unknown_kinds) {
    EXPECT_FALSE(decode(shared(std::string("\x00", 1))));
    EXPECT_FALSE(decode(shared("\x0e\x01")));
    EXPECT_FALSE(decode(shared("\xff")));
}

TEST(order_frame, numbers_messages_and_skips_duplicates) {
    std::string seen;
    for_each_message(two_messages(), 1, [&](std::uint64_t number, std::string_view message) {
        seen += std::to_string(number) + '=' + std::string(message);
    });
    EXPECT_EQ(seen, "6=bc");
}

TEST(order_frame, packs_several_into_one_request) {
    std::string frames, seen;
    pack_frame(frames, "one");
    pack_frame(frames, "three");
    EXPECT_TRUE(for_each_frame(frames, [&](std::string_view frame) { (seen += frame) += ' '; }));
    EXPECT_EQ(seen, "one three ");
    EXPECT_FALSE(
        for_each_frame(std::string_view(frames).substr(0, frames.size() - 1), [](std::string_view) {}));
}

} // namespace
} // namespace stadion::clocksync
