"""Which encoding a text file has: the one under which its words are the likeliest words.

A file that is no UTF-8 says nowhere what it is. Each likely encoding is tried on every word with
a byte above 127, and the text that comes out is scored: letters by how often a language uses
them, where they stand in a word, capitals inside words, and signs by what they stand beside.
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache

# Letters beyond ASCII by language, the most frequent first (from the Unicode CLDR's names).
_LATIN = {
    "german": "üäöß", "french": "éèçàêôîïûâëùœæÿ", "spanish": "óíáéñúü",
    "portuguese": "ãçáéíóêâõúôà", "italian": "àèìòùé", "swedish": "äöåé", "danish": "øæåéö",
    "finnish": "äöåšž", "dutch": "ëéïèöóü", "icelandic": "íáðóöúéæýþ", "catalan": "àèòíóúçéïü",
    "english": "éïñèöçêü", "polish": "łóżęśąćńź", "czech": "íáéýžščřěůúťňďó",
    "slovak": "áíýéčžšľúťôňďäóĺŕ", "hungarian": "áéóöíőüúű", "romanian": "ăâîțșşţ",
    "croatian": "čšžćđ", "lithuanian": "šėžčųūąįę", "latvian": "āīēšņžūčļķģ",
    "estonian": "äõüöšž", "turkish": "ıçüşöğâî", "albanian": "ëç",
    "vietnamese": "ếđồáôảâàổủềạầưểốứơậíệộêắỹịóéĩúớãỳăýừợờửữặằẵùòìè",
}  # fmt: skip
_OTHER = {
    "russian": "оаиенртсклвмпудябзыгйьчхжюшцщфэъё", "ukrainian": "аонкирсіелвтдмуьпйбязгчхжцшюєїфщґ",
    "bulgarian": "аиоенрткслвдпмугзбчйцяъхжшщюфь", "serbian": "аиоенрксјтлудвмпгбзчшћжцњђхљфџ",
    "greek": "αοινρτσκεςμλπίυάόγδέηβύφήχωθζώξψϊ", "hebrew": "ילואמרהנתבשדקפחטםסגעצזןכךףץ",
    "arabic": "ايلنرومةبتكسدجأفغزشقهإحصطعضخىذئثءؤظآ", "persian": "یانرولمستکبدهگزپجشفآئقچحخغصعطثذژضظ",
    "thai": "าเรนอกลมยโซตวดบสคงปแชฟหจทะไพฮัิีุู่้์ผขภธณใถศษญึืฉฐ",
}  # fmt: skip
# The most frequent characters of Chinese (simplified, traditional), Japanese names and Korean.
_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后"
    "作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因"
    "只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应"
    "战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿"
    "原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太"
    "量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界"
    "达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今"
    "切院让识候带导争运州京省县镇城江湖河广深圳杭苏宁川云贵林龙黑福陕甘青藏疆蒙辽吉津渝港澳台湾岛亚洲"
    "欧非男性未婚已离职校费价格客户姓名姓址李王刘陈杨赵黄周吴徐孙胡朱郭何罗宋郑谢韩唐冯曹彭曾萧田董袁潘"
    "蒋蔡余杜叶魏伟芳娜秀敏静丽强磊军洋勇艳杰娟涛超红霞银行贷款付退信用"
)
_TRADITIONAL = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後"
    "作裡用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因"
    "只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應"
    "戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒"
    "原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太"
    "量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則聽白卻界"
    "達光放強即像難且權思王象完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今"
    "臺台灣港澳島縣鎮鄉區雄竹桃園栗彰投嘉義屏宜蘭花蓮澎湖基隆男女陳林黃張李王吳劉蔡楊許鄭謝郭洪邱曾廖"
    "賴徐周葉蘇莊呂江何蕭羅簡朱鍾游詹胡施沈余盧梁趙顏柯翁魏孫戴銀付款信用亞洲歐非"
)
_JAPANESE = (
    "日本人国会年大十二中三時事分者地行社上下市県東京都道府北海青森岩手宮城秋田山形福島茨栃木群馬埼玉千"
    "葉神奈川新潟富石井梨長野岐阜静岡愛知重滋賀阪兵庫良和歌取根広口徳香媛高佐崎熊宮児沖縄区町村名古屋横"
    "浜仙台札幌鈴藤渡辺伊小林加吉見男女性別氏住所電話番号価格商品売数量金額合計税込月火水土曜一四五六七八"
    "九百万円生学校業部課員松竹池橋前後内外南西久太郎子美代明正平成昭令元気会計店舗顧客料種類間近際銀有無"
)
_KOREAN = (
    "이다는가에지고사의하을대기어도로아시은일한서자리해나보수그인있라장스정상거전부소제주게러조구원신여성과"
    "안미니들오모트연유국공우무학경민동진세비선아프마영관계치재위생강화방물문실중업개만남당금년월회교단직급"
    "입출명호번고객매상품격가판량합계총요청음악양용울산광역북충천포목군시읍면박김최임윤송홍권황배백허노심류"
    "란드르메카타바파크브키리필린랑독태령와앤토레콜롬체코쿠덴베네델델벨칠페루젤투통짐쟁웨터럼달러화"
)

_SIGNS_ALONE = frozenset("°§€£µ²³½¼¾±×÷·–—…•№©®™¹Ø¥√≤≥≠∞†‡¢¤¶‰")
_QUOTES = frozenset("‘’“”„‚«»‹›¡¿\xa0´`¨")
_ONE_BYTE: dict[str, tuple[float, str]] = {
    "cp1252": (0.0, "german french spanish portuguese italian swedish danish finnish dutch"
                    " icelandic catalan english albanian"),
    "cp1250": (-2.0, "polish czech slovak hungarian romanian croatian german"),
    "cp1251": (-1.5, "russian ukrainian bulgarian serbian"),
    "cp1253": (-2.0, "greek"), "cp1254": (-2.0, "turkish german french"),
    "cp1257": (-2.5, "lithuanian latvian estonian german"),
    "cp1255": (-2.5, "hebrew"), "cp1256": (-2.5, "arabic persian french"),
    "cp874": (-2.5, "thai"), "cp1258": (-6.0, "vietnamese"),
    "iso8859-2": (-3.0, "polish czech slovak hungarian romanian croatian german"),
    "iso8859-15": (-3.0, "french finnish german spanish estonian"),
    "iso8859-5": (-5.0, "russian serbian bulgarian"), "iso8859-7": (-4.0, "greek"),
    "koi8-r": (-3.0, "russian bulgarian"), "koi8-u": (-4.0, "ukrainian russian"),
    "mac-roman": (-3.5, "german french spanish portuguese italian swedish danish"),
    "cp850": (-3.5, "german french spanish portuguese italian swedish danish finnish"),
    "cp437": (-4.0, "german french spanish swedish"),
    "cp852": (-4.0, "polish czech slovak hungarian romanian croatian german"),
    "cp866": (-4.0, "russian"), "latin-1": (-6.0, "english"),
}  # fmt: skip
_CJK: dict[str, tuple[float, str]] = {
    "gb18030": (-1.5, "simplified"), "big5": (-2.0, "traditional"), "cp932": (-1.5, "japanese"),
    "euc-jp": (-3.0, "japanese"), "cp949": (-1.5, "korean"),
}  # fmt: skip
_MOST_WORDS = 3000
_CLEAR = 3.0
"""Twice as likely three times over: nearer than this, both readings are told."""
_MIXED = 0.75
"""How much of the cost of mixing languages is forgiven: tables of places mix them."""
_UNITS = re.compile(r"(?:^|[^A-Za-z])(?:[mcdk]?m|ft|in|yd|s|mi|R|CO|NO|kg|km)$")
_VOWELS = re.compile(r"[aeiouyäöüáéíóúýàèìòùâêîôûãõåæøœëïąęěėįųūāēīăőűůıаеёиоуыэюяіїєґ]", re.I)


@dataclass(frozen=True)
class Reading:
    """What a file's words mean under an encoding.

    Attributes
    ----------
    encoding : str
    example : str
        A word as it reads so.
    rival, rival_example : str
        The next likely encoding and its reading of that word, where it is about as likely.
    """

    encoding: str
    example: str
    rival: str = ""
    rival_example: str = ""


@dataclass
class Words:
    """The words of a file that have a byte above 127, counted, with the cells' ends."""

    counts: Counter[bytes] = field(default_factory=Counter)

    _WORD = re.compile(rb'[^\s,;"]*[\x80-\xff][^\s,;"]*')

    def add(self, block: bytes) -> None:
        """Count the words of some whole lines."""
        if not block.isascii():
            self.counts.update(found[:80] for found in self._WORD.findall(block))

    def rank(self) -> list[tuple[float, str]]:
        """Return log-likelihoods and encodings, the likeliest first."""
        words = [word for word, _ in self.counts.most_common(_MOST_WORDS)]
        ranked = []
        for encoding, (prior, languages) in (_ONE_BYTE | _CJK).items():
            try:
                texts = [word.decode(encoding) for word in words]
            except UnicodeDecodeError:
                continue
            ranked.append((prior + _likelihood(texts, languages), encoding))
        return sorted(ranked, reverse=True)

    def reading(self, decodes: Iterable[str] | None = None) -> Reading:
        """Return the likeliest encoding, and the one that is about as likely if it reads otherwise.

        Parameters
        ----------
        decodes : iterable of str, optional
            The encodings under which the whole file can be decoded; all by default.
        """
        allowed = None if decodes is None else set(decodes)
        ranked = [item for item in self.rank() if allowed is None or item[1] in allowed]
        if not ranked:
            return Reading("latin-1", "")
        score, best = ranked[0]
        first = next(iter(self.counts), b"")
        for other, rival in ranked[1:]:
            if score - other > _CLEAR:
                break
            for word in list(self.counts)[:_MOST_WORDS]:
                if word.decode(best) != word.decode(rival):
                    return Reading(best, word.decode(best), rival, word.decode(rival))
        return Reading(best, first.decode(best, errors="replace"))


def candidates() -> list[str]:
    """Return the encodings that are tried."""
    return [*_ONE_BYTE, *_CJK]


def decodable(decoders: dict[str, codecs.IncrementalDecoder], block: bytes, final: bool) -> None:
    """Drop the decoders that cannot take a further block of the file."""
    for name, decoder in list(decoders.items()):
        try:
            decoder.decode(block, final)
        except UnicodeDecodeError:
            del decoders[name]


def _likelihood(texts: list[str], languages: str) -> float:
    names = languages.split()
    if names[0] in ("simplified", "traditional", "japanese", "korean"):
        return sum(_word(text, names[0]) for text in texts)
    scores = [[_word(text, name) for text in texts] for name in names]
    # A column may hold words of several languages; the ones that win few words cost more.
    wins = Counter(max(range(len(names)), key=lambda k: each[k]) for each in zip(*scores))
    cost = [math.log((wins[k] + 0.3) / (len(texts) + 0.3 * len(names))) for k in range(len(names))]
    cost = [max(each, -4.0) for each in cost]
    best = _MIXED * max(cost)
    return sum(
        max(value + weight for value, weight in zip(each, cost, strict=True)) - best
        for each in zip(*scores, strict=True)
    )


@lru_cache(maxsize=200_000)
def _word(text: str, language: str) -> float:
    total = 0.0
    for place, sign in enumerate(text):
        if not sign.isascii():
            total += _sign(sign, text[:place], text[place + 1 :], language)
    letters = re.findall(r"[^\W\d_]{2,}", text)
    for word in letters:
        if not word.isascii() and word[0] < "\u0530" and not _VOWELS.search(word):
            total -= 3.0
    return total


def _sign(sign: str, before: str, after: str, language: str) -> float:
    kind = unicodedata.category(sign)
    if kind in ("Cc", "Cn", "Co", "Cs") or sign == "\ufeff":
        return -14.0
    if sign >= "\u2e80" and kind[0] in "LNPS":
        return _ideograph(sign, language)
    if sign == "Ø" and not after[:1].isalpha():
        return -3.5
    if kind[0] in "LM" and sign not in "ªºµ":
        return _letter(sign, before, after, language)
    return _mark(sign, before, after, language)


def _letter(sign: str, before: str, after: str, language: str) -> float:
    small = sign.lower()
    value = _frequencies(language).get(small, -9.0)
    previous, following = before[-1:], after[:1]
    if value == -9.0 and language in _OTHER:
        value = -11.0
    if sign != small:
        value -= 1.0
        if previous.isalpha() and previous.islower():
            return value - 6.0
    elif sign.islower():
        if previous.isupper() and following.isupper():
            value -= 4.0
        elif not previous.isalpha() and following.isalpha() and following.isupper():
            value -= 5.0
    if language == "romanian" and small == "ă" and following in "aeiou" and following:
        value -= 4.0
    if language in _OTHER and (_latin(previous) or _latin(following)):
        value -= 5.0
    if not (previous.isalpha() or following.isalpha()) and unicodedata.category(sign) != "Mn":
        value -= 3.0 if sign in "àéóèáуваикося" else 4.0
    elif previous.isdigit():
        value -= 3.0
    return value


def _latin(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()


def _mark(sign: str, before: str, after: str, language: str) -> float:
    previous, following = before[-1:], after[:1]
    if sign in "²³¹":
        good = previous.isdigit() or bool(_UNITS.search(before)) or not before
        return -1.2 if _UNITS.search(before) else -3.5 if good else -8.0
    if sign == "µ":
        return (
            -2.5
            if not previous.isalpha() and (not following or following in "gmlsLAVFMWTUI/Sk")
            else -8.0
        )
    if sign == "°":
        return -2.0 if not previous.isalpha() or following in ("C", "F", "") else -6.0
    if sign in "ªº":
        return -3.0 if previous.isdigit() or previous in ("n", "N", ".") else -8.0
    if sign in "½¼¾":
        return -3.0 if not previous.isalpha() and not following.isalpha() else -8.5
    if sign in "£€¥¢":
        return -2.5 if not previous.isalpha() and not following.isalpha() else -7.0
    if sign in _QUOTES:
        return _quote(sign, previous, following)
    if sign in "–—…•·×±÷№§©®™†‰":
        return -3.5 if not (previous.isalpha() and following.isalpha()) or sign in "–—·" else -7.0
    if sign in _SIGNS_ALONE:
        return -9.0 if previous.isalpha() or following.isalpha() else -6.0
    if "\u2500" <= sign <= "\u259f":
        return -10.0
    return -9.0


def _quote(sign: str, previous: str, following: str) -> float:
    inside = previous.isalnum() and following.isalnum()
    if sign in "’\xa0":
        return -3.0 if not inside or sign == "’" else -4.0
    if sign in "‘“„‚«‹¡¿":
        return -3.5 if not previous.isalnum() else -8.0
    if sign in "”»›":
        return -3.5 if not following.isalnum() else -8.0
    return -8.0


def _ideograph(sign: str, language: str) -> float:
    if language not in _FREQUENT:
        return -14.0
    if "\u3040" <= sign <= "\u30ff":
        return -5.0 if language == "japanese" else -9.5
    if "\uff61" <= sign <= "\uff9f":
        return -7.0
    if "\u3000" <= sign <= "\u303f" or "\uff01" <= sign <= "\uff5e":
        return -7.0
    if "\uac00" <= sign <= "\ud7a3" and language == "korean":
        return -5.6 if sign in _frequent(language) else -8.6 if _level(sign, language) else -15.0
    if "\u4e00" <= sign <= "\u9fff":
        if language == "korean":
            return -12.5
        if sign in _frequent(language):
            return -6.2
        return -8.8 if _level(sign, language) == 1 else -11.5 if _level(sign, language) else -15.0
    return -14.0


_FREQUENT = {
    "simplified": _SIMPLIFIED, "traditional": _TRADITIONAL, "japanese": _JAPANESE,
    "korean": _KOREAN,
}  # fmt: skip


@cache
def _frequent(language: str) -> frozenset[str]:
    return frozenset(_FREQUENT[language])


@lru_cache(maxsize=50_000)
def _level(sign: str, language: str) -> int:
    """Return 1 for a character of a standard's first, common level, 2 for others, 0 for none."""
    encoding, last = {
        "simplified": ("gb2312", 0xD7), "traditional": ("big5", 0xC6),
        "japanese": ("euc-jp", 0xCF), "korean": ("euc-kr", 0xC8),
    }[language]  # fmt: skip
    try:
        code = sign.encode(encoding)
    except UnicodeEncodeError:
        return 0
    return 0 if len(code) != 2 else 1 if code[0] <= last else 2


@cache
def _frequencies(language: str) -> dict[str, float]:
    """Return log-probabilities of a language's letters, by their ranks as in Zipf's law."""
    letters = (_LATIN | _OTHER).get(language, "")
    total = sum(1 / (rank + 2) for rank in range(len(letters)))
    return {letter: -math.log((rank + 2) * total) for rank, letter in enumerate(letters)}
