#include "wire/board.hpp"

#include "wire/board_json.hpp"
#include "wire/json.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace stadion::wire {

// --- board_event ---

board_event::board_event(v1::Event event) : board_event(event, event.SerializeAsString()) {}

board_event::board_event(v1::Event event, std::string payload)
    : event_(std::move(event)), payload_(std::move(payload)) {
    if (const auto* one = score()) state_payload_ = one->SerializeAsString();
    if (const auto* one = tally()) {
        // The rank depends on the other teams: readers append their own.
        auto unranked = *one;
        unranked.clear_rank();
        state_payload_ = unranked.SerializeAsString();
    }
}

std::uint32_t board_event::version() const noexcept {
    if (const auto* one = score()) return one->version();
    if (const auto* one = tally()) return one->version();
    return 0;
}

std::string_view board_event::type() const noexcept {
    switch (event_.item_case()) {
    case v1::Event::kScore:
        return "score";
    case v1::Event::kTally:
        return "tally";
    case v1::Event::kPost:
        return "post";
    case v1::Event::kQuestion:
        return "question";
    case v1::Event::kDraw:
        return "draw";
    case v1::Event::kReset:
        return "reset";
    case v1::Event::kState:
        return "state";
    case v1::Event::ITEM_NOT_SET:
        break;
    }
    return "none";
}

void board_event::make_json() const {
    if (const auto* one = score()) append_json(state_json_, *one);
    if (const auto* one = tally()) append_json(state_json_, *one);
    if (const auto* one = marker()) append_json(state_json_, *one);
    json_ = "{\"sequence\":" + std::to_string(sequence()) + ",\"topic\":";
    append_json_string(json_, topic());
    if (event_.has_draw()) append_json(state_json_, event_.draw());
    if (!state_json_.empty()) json_.append(",\"").append(type()).append("\":").append(state_json_);
    json_ += '}';
}

const std::string& board_event::state_json() const {
    std::call_once(json_once_, [this] { make_json(); });
    return state_json_;
}

const std::string& board_event::json() const {
    std::call_once(json_once_, [this] { make_json(); });
    return json_;
}

// --- topic_filter ---

topic_filter::topic_filter(std::vector<std::string> topics) : topics_(std::move(topics)) {
    std::sort(topics_.begin(), topics_.end());
    topics_.erase(std::unique(topics_.begin(), topics_.end()), topics_.end());
    if (std::find(topics_.begin(), topics_.end(), "*") != topics_.end()) topics_.clear();
    for (std::uint32_t place = 0; place < topics_.size(); ++place)
        if (topics_[place].ends_with('*')) prefixes_.push_back(place);
    std::sort(prefixes_.begin(), prefixes_.end(), [this](auto a, auto b) { return prefix(a) < prefix(b); });
    const auto is_covered = [this](auto shorter, auto longer) {
        return prefix(longer).starts_with(prefix(shorter));
    };
    prefixes_.erase(std::unique(prefixes_.begin(), prefixes_.end(), is_covered), prefixes_.end());
}

// A prefix of the topic is not behind it, and between the two stands only what begins with that prefix.
bool topic_filter::matches(std::string_view topic) const noexcept {
    if (topics_.empty() || std::binary_search(topics_.begin(), topics_.end(), topic)) return true;
    const auto behind =
        std::upper_bound(prefixes_.begin(), prefixes_.end(), topic,
                         [this](std::string_view wanted, auto place) { return wanted < prefix(place); });
    return behind != prefixes_.begin() && topic.starts_with(prefix(*std::prev(behind)));
}

// --- board ---

void board::put(const board_event_ptr& event) {
    if (const auto* one = event->score()) put_into(games_, one->game(), event);
    if (const auto* one = event->tally()) {
        put_into(teams_, one->team(), event);
        ranking_is_current_ = false;
    }
}

void board::put_into(table& names, const std::string& name, const board_event_ptr& event) {
    auto& newest = names[name];
    if (newest) states_.erase(newest->sequence());
    newest = event;
    states_.insert_or_assign(event->sequence(), event);
}

bool board::apply(const board_event_ptr& event) {
    if (event->sequence() <= sequence_) return false;
    remember(event);
    sequence_ = event->sequence();
    put(event);
    return true;
}

void board::remember(const board_event_ptr& event) {
    const auto last = events_.empty() ? floor_ : events_.back()->sequence();
    if (event->sequence() <= last) return;
    if (event->sequence() != last + 1) forget_events(event->sequence() - 1);
    events_.push_back(event);
    event_bytes_ += event->payload().size();
    while (events_.size() > events_max_ || (event_bytes_ > event_bytes_max_ && events_.size() > 1)) {
        floor_ = events_.front()->sequence();
        event_bytes_ -= events_.front()->payload().size();
        events_.pop_front();
    }
}

void board::forget_events(std::uint64_t floor) {
    events_.clear();
    event_bytes_ = 0;
    floor_ = floor;
}

void board::replace(std::uint64_t sequence, const std::vector<board_event_ptr>& states) {
    games_.clear();
    teams_.clear();
    states_.clear();
    ranking_is_current_ = false;
    for (const auto& state : states) put(state);
    sequence_ = sequence;
    const auto last = events_.empty() ? floor_ : events_.back()->sequence();
    if (last != sequence) forget_events(sequence);
}

board_event_ptr board::find_game(std::string_view name) const {
    const auto found = games_.find(name);
    return found == games_.end() ? nullptr : found->second;
}

board_event_ptr board::find_team(std::string_view name) const {
    const auto found = teams_.find(name);
    return found == teams_.end() ? nullptr : found->second;
}

std::vector<board_event_ptr> board::list_games(std::optional<v1::Score::Status> status,
                                               std::string_view after, std::size_t limit) const {
    std::vector<board_event_ptr> page;
    for (auto one = games_.upper_bound(after); one != games_.end() && page.size() < limit; ++one)
        if (!status || one->second->score()->status() == *status) page.push_back(one->second);
    return page;
}

const std::vector<board::ranked>& board::ranking() const {
    if (ranking_is_current_) return ranking_;
    const auto medals = [](const ranked& one) {
        const auto& tally = *one.team->tally();
        return std::tuple(tally.gold(), tally.silver(), tally.bronze());
    };
    ranking_.clear();
    ranks_.clear();
    for (const auto& [name, event] : teams_) ranking_.push_back({event, 0});
    std::stable_sort(ranking_.begin(), ranking_.end(),
                     [&](const ranked& a, const ranked& b) { return medals(a) > medals(b); });
    for (std::size_t i = 0; i < ranking_.size(); ++i) {
        const bool is_shared = i != 0 && medals(ranking_[i]) == medals(ranking_[i - 1]);
        ranking_[i].rank = is_shared ? ranking_[i - 1].rank : static_cast<std::uint32_t>(i + 1);
        ranks_.emplace(ranking_[i].team->tally()->team(), ranking_[i].rank);
    }
    ranking_is_current_ = true;
    return ranking_;
}

std::uint32_t board::rank_of(std::string_view team) const {
    ranking();
    const auto found = ranks_.find(team);
    return found == ranks_.end() ? 0 : found->second;
}

board_event_ptr board::next_after(std::uint64_t since) const {
    if (events_.empty() || since >= events_.back()->sequence()) return nullptr;
    // Sequences are held without gaps, so the place follows from the number.
    const auto first = events_.front()->sequence();
    return events_[since < first ? 0 : since - first + 1];
}

std::vector<board_event_ptr> board::events_after(std::uint64_t since, std::size_t limit) const {
    std::vector<board_event_ptr> found;
    if (events_.empty()) return found;
    const auto last = events_.back()->sequence();
    if (last > limit) since = std::max(since, last - limit);
    while (auto next = next_after(since)) {
        since = next->sequence();
        found.push_back(std::move(next));
    }
    return found;
}

board_event_ptr board::find_topic(std::string_view topic) const {
    constexpr std::string_view of_games = "games/", of_teams = "teams/";
    if (topic.starts_with(of_games)) return find_game(topic.substr(of_games.size()));
    if (topic.starts_with(of_teams)) return find_team(topic.substr(of_teams.size()));
    return nullptr;
}

std::vector<board_event_ptr> board::states_after(std::uint64_t since, const topic_filter& filter,
                                                 std::size_t limit) const {
    std::vector<board_event_ptr> found;
    if (filter.is_exact()) {
        for (const auto& topic : filter.topics())
            if (auto one = find_topic(topic); one && one->sequence() > since) found.push_back(std::move(one));
        std::sort(found.begin(), found.end(),
                  [](const auto& a, const auto& b) { return a->sequence() < b->sequence(); });
        if (found.size() > limit) found.resize(limit);
        return found;
    }
    for (auto one = states_.upper_bound(since); one != states_.end() && found.size() < limit; ++one)
        if (filter.matches(one->second->topic())) found.push_back(one->second);
    return found;
}

} // namespace stadion::wire
