#include "test/net/raw_client.hpp"

#include <map>

namespace stadion::net {
namespace {

using wire::frame_kind;
using wire::status;

TEST(wire_session, greets_and_answers_requests_sent_right_behind_hello) {
    served one;
    raw_client client(one.port);
    client.hello();
    client.request(7, query_method, query("hockey"));
    const auto welcome = client.next();
    EXPECT_EQ(welcome.header.kind, frame_kind::welcome);
    v1::Welcome greeting;
    ASSERT_TRUE(greeting.ParseFromString(welcome.body));
    EXPECT_EQ(greeting.version(), 1u);
    EXPECT_EQ(greeting.max_in_flight(), 1024u);
    const auto reply = client.next();
    EXPECT_EQ(reply.header.kind, frame_kind::reply);
    EXPECT_EQ(reply.header.id, 7u);
    EXPECT_EQ(status_of(reply), status::ok);
    v1::Score score;
    ASSERT_TRUE(score.ParseFromString(reply.body));
    EXPECT_EQ(score.game(), "hockey");
}

TEST(wire_session, takes_frames_in_any_pieces) {
    served one;
    greeted_client client(one.port);
    std::string bytes;
    for (std::uint64_t id = 1; id <= 50; ++id)
        wire::append_frame(bytes, {frame_kind::request, 0, query_method, id, 1000},
                           query(std::string(100, 'g')));
    for (std::size_t at = 0; at < bytes.size(); at += 777)
        client.send(std::string_view(bytes).substr(at, 777));
    for (std::uint64_t id = 1; id <= 50; ++id) EXPECT_EQ(client.next().header.id, id);
}

TEST(wire_session, every_refusal_names_the_offending_thing) {
    served one;
    greeted_client client(one.port);
    const auto refused = [&](status code, const std::string& text) {
        const auto reply = client.next();
        EXPECT_EQ(status_of(reply), code);
        EXPECT_NE(message_of(reply).find(text), std::string::npos) << message_of(reply);
    };
    client.request(1, query_method, query("none"));
    refused(status::not_found, "no such game: none");
    client.request(2, 0x0999);
    refused(status::unimplemented, "no such method: 0x0999");
    client.request(3, 0x0305);
    refused(status::unimplemented, "frontend does not offer Database.Commit");
    client.request(4, query_method, "\xff\xff");
    refused(status::invalid_argument, "QueryScoreByGame");
    client.request(5, query_method, query("x"), 0);
    refused(status::deadline_exceeded, "budget");
    client.request(0, query_method, query("x"));
    refused(status::invalid_argument, "never 0");
    client.request(6, list_games_method);
    refused(status::internal, "bug in the server");
    client.request(8, increment_method);
    refused(status::internal, "dropped without an answer");
}

TEST(wire_session, a_request_of_an_older_epoch_is_refused_and_told_the_newer) {
    served one;
    one.server.context().epoch = 7;
    greeted_client client(one.port);
    const auto ask = [&](std::uint64_t id, std::uint64_t epoch) {
        v1::Metadata metadata;
        metadata.set_epoch(epoch);
        std::string bytes;
        wire::append_frame(bytes, {frame_kind::request, 0, query_method, id, 1000},
                           metadata.SerializeAsString(), query("hockey"));
        client.send(bytes);
        return client.next();
    };
    const auto stale = ask(1, 6);
    EXPECT_EQ(status_of(stale), status::failed_precondition);
    v1::Error refusal;
    ASSERT_TRUE(refusal.ParseFromString(stale.body));
    EXPECT_EQ(refusal.details().at("epoch"), "7");
    EXPECT_EQ(status_of(ask(2, 7)), status::ok);
    EXPECT_EQ(status_of(ask(3, 8)), status::ok);
    EXPECT_EQ(status_of(ask(4, 0)), status::ok);
}

TEST(wire_session, a_request_with_metadata_that_cannot_be_read_is_refused) {
    served one;
    greeted_client client(one.port);
    std::uint64_t id = 0;
    // A length beyond the end; text that is not UTF-8, where a key would be.
    for (const std::string_view metadata :
         {std::string_view("\x12\x7fkey"), std::string_view("\x12\x01\xff")}) {
        std::string bytes;
        wire::append_frame(bytes, {frame_kind::request, 0, query_method, ++id, 1000}, metadata,
                           query("hockey"));
        client.send(bytes);
        const auto refused = client.next();
        EXPECT_EQ(refused.header.id, id);
        EXPECT_EQ(status_of(refused), status::invalid_argument);
        EXPECT_NE(message_of(refused).find("metadata in front of FrontEnd.QueryScoreByGame"),
                  std::string::npos)
            << message_of(refused);
    }
    client.request(9, query_method, query("hockey"));
    EXPECT_EQ(status_of(client.next()), status::ok);
}

TEST(wire_session, an_id_may_not_be_used_twice_at_a_time) {
    served one;
    greeted_client client(one.port);
    client.request(5, update_method);
    client.request(5, query_method, query("x"));
    EXPECT_EQ(status_of(client.next()), status::invalid_argument);
    one.release([](pending_call& call) { call.reply("", ""); });
    EXPECT_EQ(status_of(client.next()), status::ok);
}

TEST(wire_session, replies_come_in_the_order_they_are_ready) {
    served one;
    greeted_client client(one.port);
    client.request(1, update_method);
    client.request(2, query_method, query("fast"));
    EXPECT_EQ(client.next().header.id, 2u);
    one.release([](pending_call& call) { call.reply("", ""); });
    EXPECT_EQ(client.next().header.id, 1u);
}

TEST(wire_session, a_budget_that_runs_out_is_answered) {
    served one;
    greeted_client client(one.port);
    client.request(1, update_method, {}, 30);
    const auto reply = client.next();
    EXPECT_EQ(status_of(reply), status::deadline_exceeded);
    EXPECT_GE(reply.header.budget, 30'000u); // µs in the server
    EXPECT_EQ(one.abandoned, 1);
    one.release([](pending_call& call) {
        EXPECT_FALSE(call.is_open());
        call.reply("", "");
    });
    client.request(2, query_method, query("next")); // the late answer went nowhere
    EXPECT_EQ(client.next().header.id, 2u);
}

TEST(wire_session, cancel_answers_once) {
    served one;
    greeted_client client(one.port);
    client.request(1, update_method);
    client.send_frame({frame_kind::cancel, 0, 0, 1, 0});
    EXPECT_EQ(status_of(client.next()), status::cancelled);
    EXPECT_EQ(one.abandoned, 1);
    client.send_frame({frame_kind::cancel, 0, 0, 1, 0}); // too late: ignored
    client.request(2, query_method, query("x"));
    EXPECT_EQ(client.next().header.id, 2u);
}

TEST(wire_session, in_flight_requests_are_bounded_and_others_still_flow) {
    session_limits limits;
    limits.in_flight_max = 3;
    served one(limits);
    greeted_client client(one.port);
    for (std::uint64_t id = 1; id <= 4; ++id) client.request(id, update_method);
    const auto refused = client.next();
    EXPECT_EQ(refused.header.id, 4u);
    EXPECT_EQ(status_of(refused), status::resource_exhausted);
    client.send_frame({frame_kind::ping, 0, 0, 9, 0}, "are you there");
    const auto pong = client.next();
    EXPECT_EQ(pong.header.kind, frame_kind::pong);
    EXPECT_EQ(pong.body, "are you there");
    one.release([](pending_call& call) { call.reply("", ""); });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(status_of(client.next()), status::ok);
}

TEST(wire_session, events_precede_the_one_reply) {
    served one;
    greeted_client client(one.port);
    client.request(4, subscribe_method);
    ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
    one.release([](pending_call& call) {
        call.event("a");
        call.event("b");
        call.reply("", "");
        call.event("late");
        call.reply("", "");
    });
    EXPECT_EQ(client.next().body, "a");
    EXPECT_EQ(client.next().body, "b");
    EXPECT_EQ(client.next().header.kind, frame_kind::reply);
    client.request(5, query_method, query("x"));
    EXPECT_EQ(client.next().header.id, 5u);
}

TEST(wire_session, a_lost_connection_abandons_what_was_pending) {
    served one;
    {
        greeted_client client(one.port);
        client.request(1, update_method);
        ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
    }
    EXPECT_TRUE(eventually([&] { return one.abandoned == 1; }));
}

TEST(wire_session, a_violation_ends_with_goaway_that_says_why) {
    const std::map<std::string, std::string> wrong{
        {std::string("\x00\x00\x00\x01", 4), "length 1"},
        {std::string("\x00\xff\xff\xff", 4), "larger than the limit"},
        {std::string("\x00\x00\x00\x10\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20),
         "unknown frame kind 10"},
        {std::string("\x00\x00\x00\x10\x03\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20),
         "must be understood"},
        {std::string("\x00\x00\x00\x10\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20),
         "does not send"},
    };
    served one;
    for (const auto& [bytes, text] : wrong) {
        greeted_client client(one.port);
        client.send(bytes);
        const auto goaway = client.next();
        EXPECT_EQ(goaway.header.kind, frame_kind::goaway);
        EXPECT_NE(message_of(goaway).find(text), std::string::npos) << message_of(goaway);
        EXPECT_EQ(client.rest(), "");
    }
}

TEST(wire_session, unknown_kinds_from_64_up_are_skipped) {
    served one;
    greeted_client client(one.port);
    client.send_frame({static_cast<frame_kind>(200), 0, 0, 0, 0}, "from the future");
    client.request(1, query_method, query("x"));
    EXPECT_EQ(client.next().header.id, 1u);
}

TEST(wire_session, versions_that_do_not_meet_are_refused_with_the_range) {
    served one;
    raw_client client(one.port);
    v1::Hello hello;
    hello.set_version_min(2);
    hello.set_version_max(9);
    client.send_frame({frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
    const auto goaway = client.next();
    EXPECT_EQ(goaway.header.kind, frame_kind::goaway);
    EXPECT_EQ(status_of(goaway), status::failed_precondition);
    EXPECT_NE(message_of(goaway).find("1 to 1"), std::string::npos);
}

TEST(wire_session, silence_before_hello_is_bounded) {
    session_limits limits;
    limits.hello_within = 50ms;
    served one(limits);
    raw_client quiet(one.port);
    EXPECT_EQ(quiet.rest(), "");
    raw_client half(one.port);
    half.send(std::string_view("\x00\x00", 2));
    EXPECT_NE(half.rest().find("no HELLO"), std::string::npos);
}

TEST(wire_session, a_silent_caller_is_pinged_and_then_dropped) {
    session_limits limits;
    limits.ping_after = 50ms;
    limits.close_after = 100ms;
    served one(limits);
    greeted_client client(one.port);
    EXPECT_EQ(client.next().header.kind, frame_kind::ping);
    EXPECT_EQ(client.rest(), "");
}

TEST(wire_session, draining_answers_what_was_accepted_and_says_where_it_stopped) {
    served one;
    greeted_client client(one.port);
    client.request(1, update_method);
    ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
    std::thread drainer([&] { one.server.drain(10s); });
    auto frame = client.next();
    EXPECT_EQ(frame.header.kind, frame_kind::goaway);
    EXPECT_EQ(frame.header.id, wire::id_max);
    EXPECT_EQ(client.next().header.kind, frame_kind::ping);
    client.request(2, query_method, query("still fine"));
    client.send_frame({frame_kind::pong, 0, 0, 0, 0});
    frame = client.next();
    EXPECT_EQ(frame.header.id, 2u);
    EXPECT_EQ(frame.header.kind, frame_kind::reply);
    frame = client.next();
    EXPECT_EQ(frame.header.kind, frame_kind::goaway);
    EXPECT_EQ(frame.header.id, 2u);
    one.release([](pending_call& call) { call.reply("done", ""); });
    frame = client.next();
    EXPECT_EQ(frame.header.id, 1u);
    EXPECT_EQ(frame.body, "done");
    EXPECT_EQ(client.rest(), "");
    drainer.join();
}

TEST(wire_session, tokens_buy_roles) {
    const auto access = access_policy::from_text("scorer pen\nserver iron\n", "tokens");
    ASSERT_TRUE(access);
    served one({}, *access);
    raw_client nobody(one.port), scorer(one.port), stranger(one.port);
    nobody.hello();
    nobody.next();
    nobody.request(1, list_teams_method);
    const auto refused = nobody.next();
    EXPECT_EQ(status_of(refused), status::unauthenticated);
    EXPECT_NE(message_of(refused).find("scorer"), std::string::npos);
    scorer.hello("pen");
    scorer.next();
    scorer.request(1, list_teams_method);
    EXPECT_EQ(status_of(scorer.next()), status::ok);
    stranger.hello("guess");
    EXPECT_EQ(stranger.next().header.kind, frame_kind::goaway);
}

TEST(wire_session, requests_that_wait_for_their_answers_are_bounded_by_bytes_too) {
    session_limits limits;
    limits.in_flight_bytes_max = 100'000;
    served one(limits);
    greeted_client client(one.port);
    client.request(1, update_method, std::string(60'000, 'x'));
    client.request(2, update_method, std::string(60'000, 'x'));
    const auto refused = client.next();
    EXPECT_EQ(refused.header.id, 2u);
    EXPECT_EQ(status_of(refused), status::resource_exhausted);
    one.release([](pending_call& call) { call.reply("", ""); });
    EXPECT_EQ(client.next().header.id, 1u);
    client.request(3, update_method, std::string(60'000, 'x')); // there is room again
    ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
}

TEST(first_byte, other_protocols_get_one_readable_line) {
    served one;
    raw_client client(one.port);
    client.send("hello?\r\n");
    EXPECT_NE(client.rest().find("wire protocol"), std::string::npos);
    raw_client tls(one.port);
    tls.send("\x16\x03\x01");
    EXPECT_NE(tls.rest().find("TLS"), std::string::npos);
}

} // namespace
} // namespace stadion::net
