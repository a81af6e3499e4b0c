#include "dbserver/table/siphash.hpp"

#include <bit>
#include <cstring>

namespace stadion::dbserver {
namespace {

struct sip_state {
    std::uint64_t v0, v1, v2, v3;

    void rounds(int count) noexcept {
        for (; count > 0; --count) {
            v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
            v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
            v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
            v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
        }
    }
    void take(std::uint64_t word) noexcept {
        v3 ^= word;
        rounds(2);
        v0 ^= word;
    }
};

} // namespace

hash_128 siphash(const hash_key& key, std::string_view text) noexcept {
    sip_state state{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d ^ 0xee,
                    key.low ^ 0x6c7967656e657261, key.high ^ 0x7465646279746573};
    std::uint64_t word = 0;
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::memcpy(&word, text.data() + at, 8);
        state.take(word);
    }
    word = 0;
    if (at < text.size()) std::memcpy(&word, text.data() + at, text.size() - at);
    state.take(word | std::uint64_t{text.size()} << 56);
    hash_128 result;
    state.v2 ^= 0xee;
    state.rounds(4);
    result.low = state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
    state.v1 ^= 0xdd;
    state.rounds(4);
    result.high = state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
    return result;
}

} // namespace stadion::dbserver
