// A front-end's replica and a database server whose feed the test writes.
#include "frontend/replica.hpp"

#include "test/frontend/fake_database.hpp"

namespace stadion::frontend {
namespace {

using namespace std::chrono_literals;
using support::eventually;

v1::Event score(std::uint64_t sequence) {
    v1::Event event;
    event.set_sequence(sequence);
    event.set_topic("games/hockey");
    event.mutable_score()->set_game("hockey");
    event.mutable_score()->set_sequence(sequence);
    return event;
}

v1::Event reset(std::uint64_t board, std::uint64_t sequence, std::uint32_t states) {
    v1::Event event;
    event.set_sequence(sequence);
    event.mutable_reset()->set_board(board);
    event.mutable_reset()->set_states(states);
    return event;
}

class a_replica : public testing::Test {
protected:
    a_replica() {
        home().post([this] { replica_->follow(database_.address, 5); });
    }
    ~a_replica() override {
        threads_.run_on_each([this](net::worker& one) {
            if (one.index() == 0) replica_->close();
        });
        threads_.stop();
    }

    net::worker& home() { return threads_.at(0); }
    bool watches(std::size_t times) {
        return eventually([&] { return database_.watches().size() >= times; });
    }
    bool reaches(std::uint64_t board, std::uint64_t sequence) {
        return eventually([&] { return boards_.board() == board && boards_.sequence() == sequence; });
    }
    // The board 7 with one game, at sequence 5.
    void fill() {
        ASSERT_TRUE(watches(1));
        database_.send(reset(7, 5, 1));
        database_.send(score(5));
        ASSERT_TRUE(reaches(7, 5));
    }

    fake_database database_;
    net::runtime threads_{2};
    net::board_set boards_{threads_};
    std::shared_ptr<replica> replica_ = std::make_shared<replica>(home(), boards_, "");
};

TEST_F(a_replica, begins_with_the_states_and_recent_events_of_the_live_view) {
    EXPECT_FALSE(replica_->is_filled());
    fill();
    EXPECT_TRUE(replica_->is_filled());
    EXPECT_EQ(replica_->sequence(), 5u);
    const auto asked = database_.watches().front();
    EXPECT_EQ(asked.since(), 0u);
    EXPECT_GT(asked.history(), 0u);
    EXPECT_EQ(asked.view(), v1::VIEW_LIVE);
    EXPECT_EQ(asked.writer_epoch(), 5u);
}

TEST_F(a_replica, publishes_what_happens_on_every_worker_s_board) {
    fill();
    for (std::uint64_t sequence = 6; sequence <= 9; ++sequence) database_.send(score(sequence));
    ASSERT_TRUE(reaches(7, 9));
    threads_.run_on_each([this](net::worker& one) {
        EXPECT_EQ(boards_.of(one).position(net::board_view::live), (wire::position{7, 9}));
    });
}

TEST_F(a_replica, keeps_the_events_before_the_snapshot_for_those_who_resume) {
    ASSERT_TRUE(watches(1));
    for (const std::uint64_t sequence : {3, 4, 5}) database_.send(score(sequence));
    database_.send(reset(7, 5, 1));
    database_.send(score(5));
    ASSERT_TRUE(reaches(7, 5));
    threads_.run_on_each([this](net::worker& one) {
        const auto& board = boards_.of(one).board(net::board_view::live);
        EXPECT_EQ(board.events_after(2, 100).size(), 3u);
        EXPECT_EQ(board.events_after(4, 100).size(), 1u);
    });
}

TEST_F(a_replica, resumes_where_it_was_when_the_connection_is_lost) {
    fill();
    database_.send(score(6));
    ASSERT_TRUE(reaches(7, 6));
    database_.drop_connections();
    ASSERT_TRUE(watches(2));
    const auto asked = database_.watches().back();
    EXPECT_EQ(asked.since(), 6u);
    EXPECT_EQ(asked.board(), 7u);
    EXPECT_EQ(asked.history(), 0u);
    database_.send(score(7));
    EXPECT_TRUE(reaches(7, 7));
    EXPECT_TRUE(replica_->is_following());
}

TEST_F(a_replica, keeps_its_board_and_watches_again_when_the_server_refuses) {
    fill();
    database_.end_feed(wire::make_error(wire::status::failed_precondition, "not the writer yet"));
    ASSERT_TRUE(watches(2));
    EXPECT_TRUE(replica_->is_filled());
    EXPECT_EQ(boards_.sequence(), 5u);
    EXPECT_EQ(database_.watches().back().since(), 5u);
}

TEST_F(a_replica, begins_anew_on_another_board_however_low_its_sequence) {
    fill();
    database_.send(reset(8, 2, 1));
    database_.send(score(2));
    ASSERT_TRUE(reaches(8, 2));
    database_.drop_connections();
    ASSERT_TRUE(watches(2));
    EXPECT_EQ(database_.watches().back().board(), 8u);
    EXPECT_EQ(database_.watches().back().since(), 2u);
}

TEST_F(a_replica, takes_the_public_states_of_a_frozen_board_too) {
    ASSERT_TRUE(watches(1));
    auto frozen = reset(7, 9, 1);
    frozen.mutable_reset()->set_public_states(1);
    frozen.mutable_reset()->mutable_state()->set_frozen(true);
    frozen.mutable_reset()->mutable_state()->set_sequence(5);
    database_.send(frozen);
    database_.send(score(9));
    database_.send(score(4));
    ASSERT_TRUE(reaches(7, 9));
    threads_.run_on_each([this](net::worker& one) {
        EXPECT_NE(boards_.of(one).frozen(), nullptr);
        EXPECT_EQ(boards_.of(one).position(net::board_view::live).sequence, 9u);
        EXPECT_EQ(boards_.of(one).position(net::board_view::shown).sequence, 5u);
    });
}

TEST_F(a_replica, asks_for_the_head_when_a_reader_has_seen_more_than_it) {
    fill();
    database_.answer_next({[](const v1::CommitRequest&, net::call& one) {
        v1::CommitResponse response;
        response.set_sequence(5);
        one.reply(response);
    }});
    std::promise<bool> answered;
    home().post([&] {
        boards_.of(home()).when_seen(
            {7, 99}, 10s, [&](wire::result<void> known) { answered.set_value(known.has_value()); });
    });
    EXPECT_TRUE(answered.get_future().get()) << "no commit has the sequence 99";
    ASSERT_EQ(database_.commits().size(), 1u);
    EXPECT_EQ(database_.commits()[0].mutations_size(), 0);
    EXPECT_EQ(database_.commits()[0].writer_epoch(), 5u);
}

} // namespace
} // namespace stadion::frontend
