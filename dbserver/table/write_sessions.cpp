#include "dbserver/table/write_sessions.hpp"

#include "dbserver/table/json_text.hpp"
#include "dbserver/table/planted_bug.hpp"
#include "wire/number.hpp"

#include <algorithm>
#include <charconv>

namespace stadion::dbserver {

std::string to_text(const session_id& id) {
    return hexadecimal(id.opening) + "-" + std::to_string(id.number);
}

std::optional<session_id> session_from_text(std::string_view text) {
    session_id id;
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos || !parse_hexadecimal(text.substr(0, dash), id.opening))
        return std::nullopt;
    const auto number = wire::parse_number<decltype(id.number)>(text.substr(dash + 1));
    if (!number) return std::nullopt;
    id.number = *number;
    return id;
}

std::string to_text(const std::vector<saved_session>& sessions) {
    std::string text;
    for (const saved_session& one : sessions) {
        text += R"({"session":")" + to_text(one.id) + R"(","lowest":)";
        append_json_number(text, one.lowest_open);
        text += R"(,"used":)";
        append_json_number(text, one.used_us);
        for (const auto& [number, sequence] : one.kept) {
            text += R"(,")" + std::to_string(number) + R"(":)";
            append_json_number(text, sequence);
        }
        text += "}\n";
    }
    return text;
}

bool from_text(std::string_view text, std::vector<saved_session>& into) {
    while (!text.empty()) {
        const std::size_t size = std::min(text.find('\n'), text.size());
        json_reader in(text.substr(0, size));
        saved_session& one = into.emplace_back();
        bool is_named = false;
        in.begin_object();
        for (std::string_view key; in.next_key(key);) {
            if (key == "session") {
                const auto id = session_from_text(in.string());
                is_named = id.has_value();
                one.id = id.value_or(session_id{});
            } else if (key == "lowest") {
                one.lowest_open = in.integer<std::uint64_t>();
            } else if (key == "used") {
                one.used_us = in.integer<std::int64_t>();
            } else {
                std::uint64_t number = 0;
                std::from_chars(key.data(), key.data() + key.size(), number);
                one.kept.emplace_back(number, in.integer<std::uint64_t>());
            }
        }
        if (!in.ok() || !in.at_end() || !is_named) return false;
        text.remove_prefix(std::min(size + 1, text.size()));
    }
    return true;
}

void write_sessions::session::confirm(std::uint64_t below) {
    if (planted(bug::confirms_too_much)) ++below;
    const std::uint64_t gone =
        std::min<std::uint64_t>(below > lowest_open ? below - lowest_open : 0, sequences.size());
    sequences.erase(sequences.begin(), sequences.begin() + static_cast<std::ptrdiff_t>(gone));
    lowest_open = std::max(lowest_open, below);
}

std::uint64_t& write_sessions::session::at(std::uint64_t number) {
    const auto index = static_cast<std::size_t>(number - lowest_open);
    if (index >= sequences.size()) sequences.resize(index + 1);
    return sequences[index];
}

std::optional<session_id> write_sessions::begin(std::int64_t now_us) {
    std::unique_lock hold(lock_);
    if (sessions_.size() >= sessions_max) drop_idle(now_us);
    if (sessions_.size() >= sessions_max) return std::nullopt;
    const session_id id{opening_, ++begun_};
    auto fresh = std::make_shared<session>();
    fresh->used_us = now_us;
    sessions_.emplace(id, std::move(fresh));
    return id;
}

std::shared_ptr<write_sessions::session> write_sessions::find(const session_id& id) const {
    std::shared_lock hold(lock_);
    const auto at = sessions_.find(id);
    return at == sessions_.end() ? nullptr : at->second;
}

write_sessions::session& write_sessions::find_or_make(const session_id& id) {
    std::unique_lock hold(lock_);
    auto& found = sessions_[id];
    if (!found) found = std::make_shared<session>();
    return *found;
}

write_sessions::verdict write_sessions::reserve(const numbering& in, std::uint64_t number,
                                                std::int64_t now_us, std::uint64_t& sequence) {
    const auto found = find(in.session);
    if (!found) return verdict::unknown;
    std::lock_guard hold(found->lock);
    found->used_us = std::max(found->used_us, now_us);
    found->confirm(in.lowest_open);
    if (number < found->lowest_open) return verdict::confirmed;
    if (number - found->lowest_open >= window) return verdict::too_far;
    std::uint64_t& known = found->at(number);
    if (known == is_running) return verdict::running;
    if (known != 0) return sequence = known, verdict::answered;
    known = is_running;
    return verdict::fresh;
}

void write_sessions::keep(const session_id& in, std::uint64_t number, std::uint64_t sequence) {
    const auto found = find(in);
    if (!found) return;
    std::lock_guard hold(found->lock);
    if (number >= found->lowest_open) found->at(number) = sequence;
}

void write_sessions::release(const session_id& in, std::uint64_t number) { keep(in, number, 0); }

void write_sessions::restore(const numbering& in, std::uint64_t number, std::uint64_t sequence,
                             std::int64_t at_us) {
    session& of = find_or_make(in.session);
    of.used_us = std::max(of.used_us, at_us);
    of.confirm(in.lowest_open);
    if (number >= of.lowest_open && number - of.lowest_open < window) of.at(number) = sequence;
}

void write_sessions::restore(const saved_session& one) {
    session& of = find_or_make(one.id);
    of.used_us = std::max(of.used_us, one.used_us);
    of.lowest_open = std::max(of.lowest_open, one.lowest_open);
    for (const auto& [number, sequence] : one.kept)
        if (number >= of.lowest_open && number - of.lowest_open < window) of.at(number) = sequence;
}

std::vector<saved_session> write_sessions::save(std::int64_t now_us) {
    std::unique_lock hold(lock_);
    drop_idle(now_us);
    std::vector<saved_session> all;
    all.reserve(sessions_.size());
    for (const auto& [id, of] : sessions_) {
        std::lock_guard hold_one(of->lock);
        saved_session& one = all.emplace_back(saved_session{id, of->lowest_open, of->used_us, {}});
        for (std::size_t i = 0; i < of->sequences.size(); ++i)
            if (const std::uint64_t sequence = of->sequences[i]; sequence != 0 && sequence != is_running)
                one.kept.emplace_back(of->lowest_open + i, sequence);
    }
    return all;
}

std::size_t write_sessions::size() const {
    std::shared_lock hold(lock_);
    return sessions_.size();
}

void write_sessions::drop_idle(std::int64_t now_us) {
    std::erase_if(sessions_, [&](const auto& one) {
        std::lock_guard hold(one.second->lock);
        return one.second->used_us + kept_us_ <= now_us;
    });
}

} // namespace stadion::dbserver
