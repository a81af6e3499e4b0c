#include "balancer/backup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace stadion::balancer {
namespace {

candidate server(std::uint32_t id, std::uint64_t clients, std::uint32_t capacity = 1000) {
    return {server_id{id}, clients, capacity};
}

TEST(Backup, IsTheLeastLoadedOfTheOthers) {
    backup_chooser backups;
    EXPECT_EQ(backups.choose(std::vector{server(1, 0), server(2, 9), server(3, 4)}, server_id{1}),
              server_id{3});
    EXPECT_EQ(backups.choose(std::vector{server(1, 0), server(2, 9), server(3, 4)}, server_id{3}),
              server_id{1});
}

TEST(Backup, IsNobodyWhenTheMasterIsAlone) {
    backup_chooser backups;
    EXPECT_EQ(backups.choose(std::vector{server(1, 0)}, server_id{1}), std::nullopt);
}

TEST(Backup, PrefersRoomButNamesAFullServerRatherThanNone) {
    backup_chooser backups;
    EXPECT_EQ(backups.choose(std::vector{server(1, 0), server(2, 1, 1), server(3, 500)}, server_id{1}),
              server_id{3});
    EXPECT_EQ(backups.choose(std::vector{server(1, 0), server(2, 1, 1)}, server_id{1}), server_id{2});
}

TEST(Backup, TheClientsOfAFailedServerSpreadOverTheOthers) {
    for (const std::uint32_t servers : {3u, 4u, 5u, 8u}) {
        backup_chooser backups;
        std::vector<candidate> fleet;
        for (std::uint32_t id = 1; id <= servers; ++id) fleet.push_back(server(id, 0));
        std::map<server_id, std::map<server_id, int>> heirs;
        for (std::uint32_t client = 0; client < 600; ++client) {
            const server_id master = least_loaded(fleet).value();
            ++fleet[number(master) - 1].clients;
            ++heirs[master][backups.choose(fleet, master).value()];
        }
        for (const auto& [master, shares] : heirs) {
            EXPECT_FALSE(shares.contains(master));
            ASSERT_EQ(shares.size(), servers - 1) << "of " << servers;
            const auto [least, most] = std::minmax_element(
                shares.begin(), shares.end(), [](auto& a, auto& b) { return a.second < b.second; });
            EXPECT_LE(most->second - least->second, 2) << servers << " servers, master " << number(master);
        }
    }
}

TEST(Backup, IsNeverTheMasterWhateverTheLoads) {
    std::mt19937 random(1);
    backup_chooser backups;
    for (int round = 0; round < 5000; ++round) {
        std::vector<candidate> fleet;
        const auto servers = static_cast<std::uint32_t>(2 + random() % 7);
        for (std::uint32_t id = 1; id <= servers; ++id)
            fleet.push_back(server(id, random() % 5, static_cast<std::uint32_t>(random() % 5)));
        const server_id master{static_cast<std::uint32_t>(1 + random() % servers)};
        const auto backup = backups.choose(fleet, master);
        ASSERT_TRUE(backup);
        ASSERT_NE(*backup, master);
        if (random() % 50 == 0) backups.reset();
    }
}

} // namespace
} // namespace stadion::balancer
