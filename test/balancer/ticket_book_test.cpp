#include "balancer/ticket_book.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace stadion::balancer {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1000s};
constexpr server_id one{1};
constexpr server_id two{2};

TEST(TicketBook, APromiseCountsUntilItIsRedeemedOnce) {
    ticket_book book(1, 10s);
    const auto first = book.issue(one, start);
    const auto second = book.issue(one, start);
    const auto other = book.issue(two, start);
    EXPECT_EQ(book.promised(one), 2u);
    EXPECT_EQ(book.promised(two), 1u);
    EXPECT_TRUE(book.redeem(second));
    EXPECT_FALSE(book.redeem(second)) << "a repeated heartbeat";
    EXPECT_EQ(book.promised(one), 1u);
    EXPECT_EQ(book.promised(two), 1u);
    EXPECT_TRUE(book.redeem(first));
    EXPECT_TRUE(book.redeem(other));
    EXPECT_EQ(book.promised(one) + book.promised(two), 0u);
}

TEST(TicketBook, APromiseExpires) {
    ticket_book book(1, 10s);
    const auto ticket = book.issue(one, start);
    book.issue(one, start + 1s);
    book.expire(start + 10s - 1ms);
    EXPECT_EQ(book.promised(one), 2u);
    book.expire(start + 10s);
    EXPECT_EQ(book.promised(one), 1u);
    EXPECT_FALSE(book.redeem(ticket));
    book.expire(start + 11s);
    EXPECT_EQ(book.promised(one), 0u);
}

TEST(TicketBook, NumbersAreNotUsedAgain) {
    ticket_book book(1, 10s);
    const auto old = book.issue(one, start);
    book.expire(start + 10s);
    EXPECT_NE(book.issue(one, start + 10s), old);
    EXPECT_FALSE(book.redeem(old));
    EXPECT_EQ(book.promised(one), 1u);
}

TEST(TicketBook, WhatIsNoTicketOfOursRedeemsNothing) {
    ticket_book book(12, 10s);
    ASSERT_EQ(book.issue(one, start), "12-1");
    for (const char* text :
         {"", "-", "12", "12-", "-1", "12-0", "12-2", "11-1", "12-1 ", " 12-1", "12--1", "12-+1", "12-1-1",
          "12-18446744073709551615", "12-99999999999999999999", "1\xff-1"})
        EXPECT_FALSE(book.redeem(text)) << text;
    EXPECT_EQ(book.promised(one), 1u);
    EXPECT_TRUE(book.redeem("12-1"));
}

// Against the obvious model: a list that is searched.
TEST(TicketBook, AgreesWithAListOfPromises) {
    struct promise {
        std::string ticket;
        server_id server;
        time_point expires;
    };
    for (unsigned seed = 1; seed <= 100; ++seed) {
        std::mt19937 random(seed);
        ticket_book book(seed, 10s);
        std::vector<promise> model;
        std::vector<std::string> all_tickets;
        time_point now = start;
        for (int step = 0; step < 500; ++step) {
            now += std::chrono::milliseconds(random() % 300);
            const auto gone = [&](const promise& p) { return p.expires <= now; };
            std::erase_if(model, gone);
            if (random() % 2) {
                const server_id server{static_cast<std::uint32_t>(1 + random() % 3)};
                all_tickets.push_back(book.issue(server, now));
                model.push_back({all_tickets.back(), server, now + 10s});
            } else if (!all_tickets.empty()) {
                const std::string& ticket = all_tickets[random() % all_tickets.size()];
                book.expire(now);
                const bool known =
                    std::erase_if(model, [&](const promise& p) { return p.ticket == ticket; }) == 1;
                ASSERT_EQ(book.redeem(ticket), known) << "seed " << seed << " step " << step;
            }
            book.expire(now);
            for (const server_id server : {server_id{1}, server_id{2}, server_id{3}})
                ASSERT_EQ(book.promised(server),
                          std::count_if(model.begin(), model.end(),
                                        [&](const promise& p) { return p.server == server; }))
                    << "seed " << seed << " step " << step;
        }
    }
}

} // namespace
} // namespace stadion::balancer
