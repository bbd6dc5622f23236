"""The style sheet, built from a theme. Sizes are in em of the application font where text decides, else in pixels."""

from __future__ import annotations

from PySide6.QtCore import QDir, QSettings
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from resources import resource_path
from workstation.ui.theme.palette import DARK, THEMES, Theme, qt_palette

SANS = "Noto Sans"
MONO = "Noto Sans Mono"
FALLBACK = "Droid Sans Fallback"
_FONT_FILES = ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSansMono-Regular.ttf", "DroidSansFallbackFull.ttf")
BASE_POINTS = 9.75

_TEMPLATE = """
* {{ outline: none; }}
QWidget {{ color: {text}; }}
QMainWindow, QDialog {{ background: {window}; }}
QMainWindow::separator {{ background: {line}; width: 3px; height: 3px; }}
QMainWindow::separator:hover {{ background: {edge}; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {edge}; padding: 4px 6px; }}

QMenuBar {{ background: {window}; padding: 1px 4px 0 4px; }}
QMenuBar::item {{ padding: 3px 9px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {raised}; }}
QMenu {{ background: {raised}; border: 1px solid {edge}; padding: 5px; }}
QMenu::item {{ padding: 4px 22px 4px 8px; border-radius: 3px; }}
QMenu::icon {{ padding-left: 6px; }}
QMenu::item:selected {{ background: {selected}; }}
QMenu::item:disabled {{ color: {edge}; }}
QMenu::separator {{ height: 1px; background: {selected}; margin: 5px 4px; }}

QToolBar {{ background: {window}; border: none; border-bottom: 1px solid {line}; padding: 1px 8px 3px 8px;
    spacing: 3px; }}
QToolBar::separator {{ background: {selected}; width: 1px; margin: 5px 5px; }}

QDockWidget {{ color: {second}; font-weight: bold; }}
QDockWidget::title {{ background: {panel}; padding: 6px 10px; text-align: left; }}
QDockWidget > QWidget {{ background: {panel}; }}
#panel, #strip {{ background: {panel}; }}
#viewer {{ background: {window}; }}
#second, QLabel#second {{ color: {second}; }}
#alarm {{ color: {alarm}; font-weight: bold; }}
#heading {{ font-weight: bold; }}
#title {{ font-size: {title}pt; font-weight: bold; }}
#mono {{ font-family: "{mono}"; }}

QPushButton, QToolButton#button {{ background: {raised}; border: 1px solid {edge}; border-radius: 4px;
    padding: 4px 12px; }}
QPushButton:hover {{ background: {selected}; }}
QPushButton:pressed {{ background: {field}; }}
QPushButton:focus {{ border: 2px solid {focus}; padding: 3px 11px; }}
QPushButton:disabled {{ color: {edge}; border-color: {selected}; }}
QPushButton#strong, QPushButton:default {{ background: {strong}; color: {on_strong}; border-color: {strong};
    font-weight: bold; }}
QPushButton#strong:hover, QPushButton:default:hover {{ background: {focus}; }}
QPushButton#strong:focus, QPushButton:default:focus {{ border: 2px solid {edge}; }}
QPushButton#strong:disabled, QPushButton:default:disabled {{ background: {selected}; color: {second};
    border-color: {selected}; }}
QPushButton#flat {{ background: transparent; border: 1px solid transparent; padding: 3px 8px; }}
QPushButton#flat:hover {{ background: {raised}; }}
QPushButton#flat:focus {{ border: 1px solid {focus}; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 3px 7px; }}
QToolButton:hover {{ background: {raised}; }}
QToolButton:pressed {{ background: {field}; }}
QToolButton:checked {{ background: {selected}; }}
QToolButton:focus {{ border: 1px solid {focus}; }}
QToolButton:disabled {{ color: {edge}; }}

QLineEdit, QPlainTextEdit, QSpinBox, QComboBox {{ background: {field}; border: 1px solid {edge}; border-radius: 4px;
    padding: 3px 7px; selection-background-color: {strong}; selection-color: {on_strong}; }}
QLineEdit:focus, QPlainTextEdit:focus, QSpinBox:focus, QComboBox:focus {{ border: 2px solid {focus};
    padding: 2px 6px; }}
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled {{ color: {edge}; border-color: {selected}; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: url("{icons}/chevron-down.svg"); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{ background: {raised}; border: 1px solid {edge}; selection-background-color: {selected};
    selection-color: {text}; padding: 3px; }}
QSpinBox::up-button, QSpinBox::down-button {{ width: 0px; border: none; }}
QCheckBox, QRadioButton {{ spacing: 7px; padding: 2px; }}
QCheckBox:focus, QRadioButton:focus {{ border: 1px solid {focus}; border-radius: 3px; padding: 1px; }}
QCheckBox::indicator, QRadioButton::indicator, QListView::indicator {{ width: 13px; height: 13px;
    border: 1px solid {edge}; background: {field}; }}
QCheckBox::indicator, QListView::indicator {{ border-radius: 3px; }}
QRadioButton::indicator {{ border-radius: 7px; }}
QCheckBox::indicator:checked, QListView::indicator:checked {{
    background: {strong}; border-color: {strong}; image: url("{icons}/check.svg"); }}
QRadioButton::indicator:checked {{ background: qradialgradient(cx:.5, cy:.5, radius:.5, fx:.5, fy:.5, stop:0 {strong},
    stop:.55 {strong}, stop:.65 {field}, stop:1 {field}); border-color: {strong}; }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {selected}; background: {panel}; }}

QSlider::groove:horizontal {{ height: 4px; background: {field}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {edge}; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {strong}; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }}
QSlider:focus {{ border: 1px solid {focus}; border-radius: 3px; }}
QProgressBar {{ background: {field}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {second}; border-radius: 2px; }}

QTabWidget::pane {{ border: none; border-top: 1px solid {selected}; background: {panel}; }}
QTabBar {{ background: {panel}; qproperty-drawBase: 0; }}
QTabBar::tab {{ background: {panel}; color: {second}; padding: 7px 13px 6px 13px; border: 1px solid transparent;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom: 2px solid {strong}; }}
QTabBar::tab:hover {{ color: {text}; }}
QTabBar::tab:focus {{ border: 1px solid {focus}; border-bottom: 2px solid {strong}; }}

QTreeView, QTableView, QListView, QTextBrowser, QScrollArea {{ background: {panel}; border: 1px solid transparent; }}
QTreeView:focus, QTableView:focus, QListView:focus, QTextBrowser:focus {{ border: 1px solid {focus}; }}
QTreeView, QTableView, QListView {{ selection-background-color: {selected}; selection-color: {text};
    alternate-background-color: {panel}; }}
QTreeView::item:hover, QTableView::item:hover, QListView::item:hover {{ background: {hover}; }}
QTreeView::item:selected, QTableView::item:selected, QListView::item:selected {{ background: {selected};
    color: {text}; }}
QTreeView::branch {{ background: transparent; }}
QHeaderView {{ background: {panel}; }}
QHeaderView::section {{ background: {panel}; color: {second}; border: none; border-bottom: 1px solid {selected};
    padding: 4px 6px; font-weight: normal; }}
QTableCornerButton::section {{ background: {panel}; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 11px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 11px; margin: 0; }}
QScrollBar::handle {{ background: {selected}; border-radius: 3px; margin: 2px; min-height: 26px; min-width: 26px; }}
QScrollBar::handle:hover {{ background: {edge}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
    background: none; border: none; width: 0; height: 0; }}
QSplitter::handle {{ background: {line}; }}

QStatusBar {{ background: {window}; border-top: 1px solid {line}; }}
QStatusBar::item {{ border: none; }}
#palette {{ background: {raised}; border: 1px solid {edge}; border-radius: 6px; }}
#palette QListView {{ background: {raised}; }}
#banner {{ background: {raised}; border: 1px solid {edge}; border-radius: 5px; }}
#card {{ background: {panel}; border: 1px solid {selected}; border-radius: 6px; }}
"""


def load_fonts() -> None:
    """Give Qt the shipped fonts, so that a bare machine has text and every machine the same."""
    for name in _FONT_FILES:
        QFontDatabase.addApplicationFont(str(resource_path(f"fonts/{name}")))


def style_sheet(theme: Theme, points: float) -> str:
    icons = QDir.fromNativeSeparators(str(resource_path("icons") / theme.name))
    colours = {name: getattr(theme, name) for name in theme.__slots__}
    return _TEMPLATE.format(**colours, icons=icons, title=points * 1.7, mono=MONO)


def apply_theme(app: QApplication, theme: Theme, text_scale: float = 1.0) -> None:
    """Dress the application. ``text_scale`` multiplies the size of all text (1.0 to 2.0)."""
    points = BASE_POINTS * text_scale
    font = QFont()
    font.setFamilies([SANS, FALLBACK])
    font.setPointSizeF(points)
    font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
    app.setProperty("theme", theme.name)
    app.setFont(font)
    app.setPalette(qt_palette(theme))
    app.setStyleSheet(style_sheet(theme, points))


def dress(settings: QSettings) -> Theme:
    """Apply the theme and the text size that the settings name."""
    theme = THEMES.get(str(settings.value("view/theme", DARK.name)), DARK)
    app = QApplication.instance()
    if isinstance(app, QApplication):
        apply_theme(app, theme, float(str(settings.value("view/text", 1.0))))
    return theme


def current_theme() -> Theme:
    """The theme in force."""
    app = QApplication.instance()
    name = app.property("theme") if app is not None else None
    return THEMES.get(str(name), DARK)


def mono_font(font: QFont) -> QFont:
    """The monospaced companion of ``font``, for digests and codes."""
    mono = QFont(font)
    mono.setFamilies([MONO, SANS, FALLBACK])
    mono.setBold(False)
    return mono
