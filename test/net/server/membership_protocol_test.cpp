#include "net/server/membership_protocol.hpp"

#include <gtest/gtest.h>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;
using saying = membership_protocol::saying;

membership_options frontend_options() {
    membership_options options;
    options.kind = "frontend";
    options.address = "127.0.0.1:7401";
    options.capacity = 100;
    options.services = {"FrontEnd"};
    return options;
}

v1::JoinResponse welcomed(std::uint32_t id, std::uint32_t heartbeat_ms) {
    v1::JoinResponse response;
    response.set_server_id(id);
    response.set_heartbeat_ms(heartbeat_ms);
    response.set_ring_key(77);
    return response;
}

v1::View view_with(std::uint32_t id, std::uint64_t incarnation) {
    v1::View view;
    auto& server = *view.add_servers();
    server.set_server_id(id);
    server.set_incarnation(incarnation);
    return view;
}

membership_report serving() {
    membership_report said;
    said.serving = true;
    said.clients = 3;
    said.redeemed = {"ticket"};
    return said;
}

class membership_protocol_test : public testing::Test {
protected:
    // Connected, joined as server 4, the first heartbeat on its way.
    void join_as_4(const membership_report& said) {
        ASSERT_EQ(machine_.on_link(true).what, saying::join);
        ASSERT_EQ(machine_.on_joined(welcomed(4, 1000)).what, saying::heartbeat);
        machine_.heartbeat(said);
    }

    membership_protocol machine_{frontend_options(), 4711};
};

TEST_F(membership_protocol_test, joins_as_soon_as_there_is_a_connection_and_says_who_it_is) {
    EXPECT_EQ(machine_.on_time().what, saying::nothing);
    EXPECT_EQ(machine_.on_link(true).what, saying::join);
    const auto request = machine_.join({});
    EXPECT_EQ(request.kind(), "frontend");
    EXPECT_EQ(request.address(), "127.0.0.1:7401");
    EXPECT_EQ(request.capacity(), 100u);
    EXPECT_EQ(request.pid(), 4711u);
    EXPECT_EQ(request.services(0), "FrontEnd");
    EXPECT_EQ(request.server_id(), 0u);
}

TEST_F(membership_protocol_test, reports_at_the_period_it_was_told_and_sooner_while_it_is_starting) {
    join_as_4({});
    EXPECT_EQ(machine_.on_heartbeat_answered(true).after, 100ms);
    ASSERT_EQ(machine_.on_time().what, saying::heartbeat);
    const auto request = machine_.heartbeat(serving());
    EXPECT_EQ(request.server_id(), 4u);
    EXPECT_EQ(request.sequence(), 2u);
    EXPECT_EQ(request.clients(), 3u);
    EXPECT_EQ(request.state(), v1::Server::UP);
    EXPECT_EQ(request.redeemed(0), "ticket");
    EXPECT_EQ(machine_.on_heartbeat_answered(true).after, 1000ms);
    EXPECT_EQ(machine_.ring_key(), 77u);
}

TEST_F(membership_protocol_test, never_has_two_heartbeats_on_their_way) {
    join_as_4(serving());
    EXPECT_EQ(machine_.on_time().what, saying::nothing);
    machine_.on_heartbeat_answered(true);
    EXPECT_EQ(machine_.on_time().what, saying::heartbeat);
}

TEST_F(membership_protocol_test, joins_again_under_its_id_and_incarnation_when_it_is_not_known_any_more) {
    join_as_4(serving());
    machine_.on_view(view_with(4, 9));
    EXPECT_EQ(machine_.on_heartbeat_answered(false).after, 200ms);
    EXPECT_EQ(machine_.on_time().what, saying::join);
    EXPECT_EQ(machine_.join({}).server_id(), 4u);
    EXPECT_EQ(machine_.join({}).incarnation(), 9u);
}

TEST_F(membership_protocol_test, a_heartbeat_without_an_answer_is_followed_by_the_next) {
    join_as_4(serving());
    machine_.on_heartbeat_answered(true);
    EXPECT_EQ(machine_.on_time().what, saying::heartbeat);
    EXPECT_TRUE(machine_.is_joined());
}

TEST_F(membership_protocol_test, joins_again_when_the_view_has_dropped_it_but_for_an_answer_that_is_awaited) {
    join_as_4(serving());
    EXPECT_EQ(machine_.on_view(view_with(5, 1)).what, saying::nothing);
    machine_.on_heartbeat_answered(true);
    EXPECT_EQ(machine_.on_view(view_with(5, 1)).what, saying::join);
    EXPECT_FALSE(machine_.is_joined());
}

TEST_F(membership_protocol_test, a_ring_that_is_still_pending_says_nothing_about_incarnations) {
    join_as_4(serving());
    auto view = view_with(4, 9);
    view.set_ring_pending(true);
    machine_.on_view(view);
    EXPECT_EQ(machine_.join({}).incarnation(), 0u);
}

TEST_F(membership_protocol_test, asks_again_later_and_much_later_where_it_was_refused) {
    machine_.on_link(true);
    EXPECT_EQ(machine_.on_join_failed(wire::make_error(wire::status::unavailable, "")).after, 200ms);
    EXPECT_EQ(machine_.on_join_failed(wire::make_error(wire::status::failed_precondition, "")).after, 1000ms);
    EXPECT_EQ(machine_.on_time().what, saying::join);
}

TEST_F(membership_protocol_test, a_lost_connection_ends_what_was_on_its_way) {
    join_as_4(serving());
    EXPECT_EQ(machine_.on_link(false).what, saying::nothing);
    EXPECT_EQ(machine_.on_join_failed(wire::make_error(wire::status::unavailable, "")).after, std::nullopt);
    EXPECT_EQ(machine_.on_time().what, saying::nothing);
    EXPECT_EQ(machine_.on_link(true).what, saying::join);
}

TEST_F(membership_protocol_test, says_nothing_once_it_leaves) {
    join_as_4(serving());
    machine_.leave();
    EXPECT_EQ(machine_.on_heartbeat_answered(true).after, std::nullopt);
    EXPECT_EQ(machine_.on_time().what, saying::nothing);
    EXPECT_EQ(machine_.on_link(true).what, saying::nothing);
}

} // namespace
} // namespace stadion::net
